/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Keeping one dataplane running, and talking to its workers. */
#include "control/link/link.h"

#include "control/base/clock.h"
#include "control/base/log.h"
#include "control/link/preflight.h"
#include "control/link/supervise.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct link {
	const struct options *options;
	struct tally *tally;
	struct registry *registry;
	uint32_t worker_cnt;
	struct session *session[ABI_WORKERS_MAX]; /* by worker */
	uint32_t unit_max;   /* bytes of the dataplane's buffers */
	struct preflight preflight;
	struct supervise supervise;
	bool was_ready;      /* some dataplane has been, since we began */
	int64_t up_ms;       /* when the running one was started, adopted or connected to again */
	int64_t retry_at_ms; /* 0: not waiting */
	int64_t retry_ms;    /* the next wait */
	int64_t lines_at_ms; /* when its log is looked at next */
	uint32_t restart_cnt;
	uint32_t reconnect_cnt; /* to workers of the running one, in a row */
};

int
link_create(struct link **link, const struct link_env *env)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->options = env->options;
	l->tally = env->session->tally;
	l->registry = env->session->registry;
	l->worker_cnt = options_worker_cnt(env->options);
	l->unit_max = env->unit_max;
	l->retry_ms = LINK_RETRY_MIN_MS;
	supervise_init(&l->supervise, env->options->run_dir, env->starter);
	for (uint32_t w = 0; w < l->worker_cnt; w++) {
		if (session_create(&l->session[w], env->session, w) != 0) {
			link_destroy(l);
			return -ENOMEM;
		}
	}
	*link = l;
	return 0;
}

void
link_destroy(struct link *link)
{
	if (link == NULL)
		return;
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		session_destroy(link->session[w]);
	free(link);
}

uint32_t
link_worker_cnt(const struct link *link)
{
	return link->worker_cnt;
}

struct session *
link_session(const struct link *link, uint32_t worker)
{
	return link->session[worker];
}

bool
link_ready(const struct link *link)
{
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		if (session_phase(link->session[w]) != SESSION_LIVE)
			return false;
	return true;
}

static void
detach_all(struct link *link)
{
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		session_detach(link->session[w]);
}

uint32_t
link_restart_cnt(const struct link *link)
{
	return link->restart_cnt;
}

/* ---- Up. */

/* attach takes over a connection to each worker; a NULL has none. */
static int
attach(struct link *link, struct dpclient **clients, struct fail *fail)
{
	int err = 0;

	link->up_ms = clock_now_ms();
	link->retry_at_ms = 0;
	for (uint32_t w = 0; w < link->worker_cnt; w++) {
		if (err == 0 && clients[w] != NULL)
			err = session_attach(link->session[w], clients[w], fail);
		else
			dpclient_close(clients[w]);
	}
	return err;
}

static int
spawn(struct link *link, struct fail *fail)
{
	struct dpclient *clients[ABI_WORKERS_MAX] = {NULL};
	int err = preflight_memory(&link->preflight, fail);

	if (err == 0)
		err = supervise_spawn(&link->supervise, &link->preflight, clients, fail);
	if (err != 0)
		return err;
	log_info("dataplane_start", "pid=%d binary=%s port=%s workers=%" PRIu32,
	         (int)link->supervise.pid, LOG_QUOTE(link->preflight.binary),
	         LOG_QUOTE(link->options->port), link->worker_cnt);
	return attach(link, clients, fail);
}

/* connect_more connects to the other workers of a dataplane whose worker 0 is connected to.
 * Returns 0, or a negative errno with fail when some are not to be had: those are NULL. */
static int
connect_more(struct link *link, struct dpclient **clients, struct fail *fail)
{
	int failed = 0;

	for (uint32_t w = 1; w < link->worker_cnt; w++) {
		int err = supervise_connect(&link->supervise, w, &clients[w], fail);
		if (err != 0) {
			clients[w] = NULL;
			failed = err;
		}
	}
	return failed;
}

int
link_start(struct link *link, struct fail *fail)
{
	struct dpclient *clients[ABI_WORKERS_MAX] = {NULL};
	struct fail ignored;
	int err = preflight_resolve(&link->preflight, link->options, fail);

	if (err != 0)
		return err;
	link->preflight.config.buffer_len = link->unit_max;
	link->reconnect_cnt = 0;
	int found = supervise_adopt(&link->supervise, &link->preflight, &clients[0], fail);
	if (found == 1) {
		log_info("dataplane_adopt", "pid=%d", (int)link->supervise.pid);
		err = connect_more(link, clients, fail);
		int failed = attach(link, clients, fail);
		return err != 0 ? err : failed;
	}
	if (found == -ESTALE) {
		log_info("dataplane_replace", "pid=%d reason=%s", (int)link->supervise.pid,
		         LOG_QUOTE(fail->text));
		connect_more(link, clients, &ignored); /* it may have fewer */
		attach(link, clients, fail);
		link_stop(link);
	} else if (found != 0) {
		return found;
	}
	return spawn(link, fail);
}

/* ---- Down. */

/* retry_later is called with nothing running. */
static void
retry_later(struct link *link)
{
	int64_t now_ms = clock_now_ms();

	if (link->up_ms != 0 && now_ms - link->up_ms >= LINK_STEADY_MS)
		link->retry_ms = LINK_RETRY_MIN_MS;
	link->up_ms = 0;
	link->retry_at_ms = now_ms + link->retry_ms;
	log_info("dataplane_retry", "wait_ms=%" PRId64, link->retry_ms);
	link->retry_ms = 2 * link->retry_ms < LINK_RETRY_MAX_MS ? 2 * link->retry_ms
	                                                        : LINK_RETRY_MAX_MS;
}

/* reconnect comes back to a worker whose process lives and that has hung up, as it does to a
 * control that did not read in time. Returns true when it is to be spoken to again. */
static bool
reconnect(struct link *link, uint32_t worker, const struct fail *why)
{
	struct dpclient *client;
	struct fail fail;

	if (clock_now_ms() - link->up_ms >= LINK_STEADY_MS)
		link->reconnect_cnt = 0;
	if (link->reconnect_cnt == LINK_RECONNECT_MAX * link->worker_cnt ||
	    supervise_connect(&link->supervise, worker, &client, &fail) != 0)
		return false;
	link->reconnect_cnt++;
	link->up_ms = clock_now_ms();
	log_warn("dataplane_reconnect", "pid=%d worker=%" PRIu32 " reason=%s",
	         (int)link->supervise.pid, worker, LOG_QUOTE(why->text));
	return session_attach(link->session[worker], client, &fail) == 0;
}

/* down deals with a session that failed: with the process ended, or the worker spoken to again, or
 * all to be ended. */
static int
down(struct link *link, uint32_t worker, int err, struct fail *fail)
{
	struct fail ended;
	bool going = err == -ECONNRESET || err == -EPIPE;
	bool give_up = !link->was_ready && link->supervise.is_child;

	session_detach(link->session[worker]);
	bool reaped = supervise_reap(&link->supervise, going ? LINK_HANGUP_MS : 0, &ended);
	if (!reaped && going && reconnect(link, worker, fail))
		return 0;
	detach_all(link);
	if (!reaped && !supervise_reap(&link->supervise, going ? SUPERVISE_STOP_MS : 0, &ended)) {
		log_error("dataplane_kill", "pid=%d reason=%s", (int)link->supervise.pid,
		          LOG_QUOTE(fail->text));
		supervise_kill(&link->supervise, &ended);
		ended = *fail;
	}
	tally_ended(link->tally);
	if (give_up) {
		*fail = ended;
		return -ECHILD;
	}
	log_error("dataplane_ended", "reason=%s", LOG_QUOTE(ended.text));
	retry_later(link);
	return 0;
}

static void
retry(struct link *link)
{
	struct fail fail;

	link->restart_cnt++;
	int err = link_start(link, &fail);
	if (err == 0)
		return;
	log_error("dataplane_start_failed", "reason=%s", LOG_QUOTE(fail.text));
	detach_all(link);
	struct fail ignored;
	supervise_kill(&link->supervise, &ignored);
	retry_later(link);
}

/* withdraw_at_others tells all other workers what one has withdrawn. */
static int
withdraw_at_others(struct link *link, uint32_t worker)
{
	struct abi_withdraw withdrawn;
	int err = 0;

	while (err == 0 && session_take_withdrawn(link->session[worker], &withdrawn))
		for (uint32_t w = 0; err == 0 && w < link->worker_cnt; w++)
			if (w != worker)
				err = session_withdraw(link->session[w], &withdrawn);
	return err;
}

static int
worker_run(struct link *link, uint32_t worker, struct fail *fail)
{
	int err = session_run(link->session[worker], fail);

	if (err == 0 && withdraw_at_others(link, worker) != 0)
		err = fail_set(fail, ENOMEM, "out of memory");
	return err;
}

/* withdraw_at_all tells every worker what control has found. */
static int
withdraw_at_all(struct link *link)
{
	struct abi_withdraw withdrawn;
	int err = 0;

	while (err == 0 && withdrawals_take(&link->registry->withdrawn, &withdrawn))
		for (uint32_t w = 0; err == 0 && w < link->worker_cnt; w++)
			err = session_withdraw(link->session[w], &withdrawn);
	return err;
}

/* lines_tell puts into our log what the dataplane has written to its own. */
static void
lines_tell(struct link *link)
{
	char line[LOG_VALUE_MAX];
	int64_t now_ms = clock_now_ms();

	if (now_ms < link->lines_at_ms)
		return;
	link->lines_at_ms = now_ms + LINK_LINES_MS;
	for (int i = 0; i < LINK_LINES_MAX && supervise_said(&link->supervise, line, sizeof(line)); i++)
		if (line[0] != '\0')
			log_warn("dataplane_says", "line=%s", LOG_QUOTE(line));
}

int
link_run(struct link *link, struct fail *fail)
{
	lines_tell(link);
	if (withdraw_at_all(link) != 0)
		log_error("out_of_memory", "part=withdrawals");
	if (link->retry_at_ms != 0) {
		if (clock_now_ms() >= link->retry_at_ms)
			retry(link);
		return 0;
	}
	for (uint32_t w = 0; w < link->worker_cnt; w++) {
		int err = worker_run(link, w, fail);
		if (err != 0)
			return down(link, w, err, fail);
	}
	if (link_ready(link))
		link->was_ready = true;
	return 0;
}

/* ---- Polling. */

nfds_t
link_poll(const struct link *link, struct pollfd *fds)
{
	nfds_t cnt = 0;

	/* The sockets close when the process ends: they alone are enough. */
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		if (session_fd(link->session[w]) >= 0)
			fds[cnt++] = (struct pollfd){
				.fd = session_fd(link->session[w]),
				.events = session_poll_events(link->session[w]),
			};
	return cnt;
}

int
link_timeout_ms(const struct link *link)
{
	if (link->retry_at_ms != 0) {
		int64_t wait_ms = link->retry_at_ms - clock_now_ms();
		return wait_ms > 0 ? (int)wait_ms : 0;
	}
	return 1000; /* to notice a dataplane that does not answer */
}

/* ---- The end. */

/* all_greeted is true when no worker that is connected to has yet to say who it is. */
static bool
all_greeted(const struct link *link)
{
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		if (session_phase(link->session[w]) == SESSION_HELLO)
			return false;
	return true;
}

/* pass runs the sessions until all are above HELLO, or the process ended, or the time is up. */
static void
pass(struct link *link, int64_t until_ms, bool to_end)
{
	struct fail ignored;

	while (clock_now_ms() < until_ms) {
		struct pollfd fds[1 + LINK_POLL_MAX] = {
			{.fd = supervise_fd(&link->supervise), .events = POLLIN},
		};
		if (!to_end && all_greeted(link))
			return;
		poll(fds, 1 + link_poll(link, fds + 1), 100);
		for (uint32_t w = 0; w < link->worker_cnt; w++)
			if (session_run(link->session[w], &ignored) != 0)
				session_detach(link->session[w]);
		if (fds[0].revents != 0)
			return;
	}
}

void
link_stop(struct link *link)
{
	struct fail ended;

	if (link->supervise.pid == 0)
		return;
	int pid = (int)link->supervise.pid;
	pass(link, clock_now_ms() + SUPERVISE_STOP_MS / 2, false);
	tally_stats(link->tally); /* what is let go clears its slots */
	for (uint32_t w = 0; w < link->worker_cnt; w++)
		session_shutdown(link->session[w]);
	pass(link, clock_now_ms() + SUPERVISE_STOP_MS, true);
	detach_all(link);
	bool obeyed = supervise_reap(&link->supervise, 0, &ended);
	if (!obeyed)
		supervise_kill(&link->supervise, &ended);
	tally_ended(link->tally);
	log_info("dataplane_stop", "pid=%d killed=%s", pid, obeyed ? "no" : "yes");
}

void
link_leave(struct link *link)
{
	if (link->supervise.pid != 0)
		log_info("dataplane_leave", "pid=%d", (int)link->supervise.pid);
	detach_all(link);
	supervise_forget(&link->supervise);
}
