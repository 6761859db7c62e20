/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Keeping one dataplane running. */
#include "control/link.h"

#include "control/clock.h"
#include "control/log.h"
#include "control/preflight.h"
#include "control/supervise.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct link {
	const struct options *options;
	struct session *session;
	struct preflight preflight;
	struct supervise supervise;
	bool was_ready;      /* some dataplane has been, since we began */
	int64_t up_ms;       /* when the running one was started, adopted or connected to again */
	int64_t retry_at_ms; /* 0: not waiting */
	int64_t retry_ms;    /* the next wait */
	uint32_t restart_cnt;
	uint32_t reconnect_cnt; /* to the running one, in a row */
};

int
link_create(struct link **link, const struct options *options, struct session *session)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->options = options;
	l->session = session;
	l->retry_ms = LINK_RETRY_MIN_MS;
	supervise_init(&l->supervise, options->run_dir);
	*link = l;
	return 0;
}

void
link_destroy(struct link *link)
{
	free(link);
}

bool
link_ready(const struct link *link)
{
	return session_phase(link->session) == SESSION_LIVE;
}

uint32_t
link_restart_cnt(const struct link *link)
{
	return link->restart_cnt;
}

/* ---- Up. */

static int
attach(struct link *link, struct dpclient *client, struct fail *fail)
{
	link->up_ms = clock_now_ms();
	link->retry_at_ms = 0;
	return session_attach(link->session, client, fail);
}

static int
spawn(struct link *link, struct fail *fail)
{
	struct dpclient *client;
	int err = preflight_memory(&link->preflight, fail);

	if (err == 0)
		err = supervise_spawn(&link->supervise, &link->preflight, &client, fail);
	if (err != 0)
		return err;
	log_info("dataplane_start", "pid=%d binary=%s port=%s", (int)link->supervise.pid,
	         LOG_QUOTE(link->preflight.binary), LOG_QUOTE(link->options->port));
	return attach(link, client, fail);
}

int
link_start(struct link *link, struct fail *fail)
{
	struct dpclient *client;
	int err = preflight_resolve(&link->preflight, link->options, fail);

	if (err != 0)
		return err;
	link->reconnect_cnt = 0;
	int found = supervise_adopt(&link->supervise, &link->preflight, &client, fail);
	if (found == 1) {
		log_info("dataplane_adopt", "pid=%d", (int)link->supervise.pid);
		return attach(link, client, fail);
	}
	if (found == -ESTALE) {
		log_info("dataplane_replace", "pid=%d reason=%s", (int)link->supervise.pid,
		         LOG_QUOTE(fail->text));
		attach(link, client, fail);
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

/* reconnect comes back to a dataplane that lives and has hung up, as it does to a control that did
 * not read in time. Returns true when it is to be spoken to again. */
static bool
reconnect(struct link *link, const struct fail *why)
{
	struct dpclient *client;
	struct fail fail;

	if (clock_now_ms() - link->up_ms >= LINK_STEADY_MS)
		link->reconnect_cnt = 0;
	if (link->reconnect_cnt == LINK_RECONNECT_MAX ||
	    supervise_connect(&link->supervise, &client, &fail) != 0)
		return false;
	link->reconnect_cnt++;
	log_warn("dataplane_reconnect", "pid=%d reason=%s", (int)link->supervise.pid,
	         LOG_QUOTE(why->text));
	if (attach(link, client, &fail) == 0)
		return true;
	session_detach(link->session);
	return false;
}

/* down deals with a session that failed: with the process ended, or spoken to again, or to be
 * ended. */
static int
down(struct link *link, int err, struct fail *fail)
{
	struct fail ended;
	bool going = err == -ECONNRESET || err == -EPIPE;
	bool give_up = !link->was_ready && link->supervise.is_child;

	session_detach(link->session);
	bool reaped = supervise_reap(&link->supervise, going ? LINK_HANGUP_MS : 0, &ended);
	if (!reaped && going && reconnect(link, fail))
		return 0;
	if (!reaped && !supervise_reap(&link->supervise, going ? SUPERVISE_STOP_MS : 0, &ended)) {
		log_error("dataplane_kill", "pid=%d reason=%s", (int)link->supervise.pid,
		          LOG_QUOTE(fail->text));
		supervise_kill(&link->supervise, &ended);
		ended = *fail;
	}
	session_ended(link->session);
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
	session_detach(link->session);
	struct fail ignored;
	supervise_kill(&link->supervise, &ignored);
	retry_later(link);
}

int
link_run(struct link *link, struct fail *fail)
{
	if (link->retry_at_ms != 0) {
		if (clock_now_ms() >= link->retry_at_ms)
			retry(link);
		return 0;
	}
	int err = session_run(link->session, fail);
	if (err == 0 && link_ready(link))
		link->was_ready = true;
	return err != 0 ? down(link, err, fail) : 0;
}

/* ---- Polling. */

nfds_t
link_poll(const struct link *link, struct pollfd *fds)
{
	int fd = session_fd(link->session);

	/* The socket closes when the process ends: it alone is enough. */
	if (fd < 0)
		return 0;
	fds[0] = (struct pollfd){.fd = fd, .events = session_poll_events(link->session)};
	return 1;
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

/* pass runs the session until the phase is above HELLO, or the process ended, or the time is up. */
static bool
pass(struct link *link, int64_t until_ms, bool to_end)
{
	struct fail ignored;

	while (clock_now_ms() < until_ms) {
		struct pollfd fds[2] = {
			{.fd = session_fd(link->session), .events = session_poll_events(link->session)},
			{.fd = supervise_fd(&link->supervise), .events = POLLIN},
		};
		if (!to_end && session_phase(link->session) > SESSION_HELLO)
			return true;
		poll(fds, 2, 100);
		if (fds[0].revents != 0 && session_run(link->session, &ignored) != 0)
			session_detach(link->session);
		if (fds[1].revents != 0)
			return true;
	}
	return false;
}

void
link_stop(struct link *link)
{
	struct fail ended;

	if (link->supervise.pid == 0)
		return;
	int pid = (int)link->supervise.pid;
	pass(link, clock_now_ms() + SUPERVISE_STOP_MS / 2, false);
	session_shutdown(link->session);
	pass(link, clock_now_ms() + SUPERVISE_STOP_MS, true);
	session_detach(link->session);
	bool obeyed = supervise_reap(&link->supervise, 0, &ended);
	if (!obeyed)
		supervise_kill(&link->supervise, &ended);
	session_ended(link->session);
	log_info("dataplane_stop", "pid=%d killed=%s", pid, obeyed ? "no" : "yes");
}

void
link_leave(struct link *link)
{
	if (link->supervise.pid != 0)
		log_info("dataplane_leave", "pid=%d", (int)link->supervise.pid);
	session_detach(link->session);
	supervise_forget(&link->supervise);
}
