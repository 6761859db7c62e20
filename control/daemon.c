/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillwayd: prepares the place it runs in, then one loop over signals, the jobs thread, the
 * dataplane and the operator's clients. */
#include "control/announce/announce.h"
#include "control/api/api.h"
#include "control/work/apply.h"
#include "control/commands/commands.h"
#include "control/dht/dht.h"
#include "control/base/clock.h"
#include "control/base/fail.h"
#include "control/link/link.h"
#include "control/base/log.h"
#include "control/base/log_sink.h"
#include "control/notify.h"
#include "control/options/options.h"
#include "control/place.h"
#include "control/content/read_unit.h"
#include "control/link/preflight.h"
#include "control/catalogue/registry.h"
#include "control/options/reload.h"
#include "control/commands/rpc.h"
#include "control/policy/shares.h"
#include "control/link/starter.h"
#include "control/link/tally.h"
#include "control/work/watched.h"
#include "control/work/work.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct daemon {
	struct options options;
	struct classes classes;
	struct registry registry;
	struct tally *tally;
	struct link *link;
	struct work *work;
	struct apply *apply;
	struct watched *watched;
	struct scrub *scrub;
	struct rpc *rpc; /* from when the dataplane first was ready: to be reachable is to be ready */
	struct commands *commands;
	struct dht *dht;
	struct api *api;
	struct announce *announce;
	struct policy *policy;
	struct shares *shares;
	struct reload_env reload;
	struct notify notify;
	struct place place;
	struct starter *starter;
};

/* ---- The parts. */

/* unit_held returns the longest read unit that there is to serve: an earlier configuration may have
 * had longer ones, and the content is not verified anew for that. */
static uint32_t
unit_held(const struct daemon *d, uint32_t unit_max)
{
	uint32_t held = catalogue_unit_max(d->registry.catalogue);

	return held > unit_max && held <= ABI_UNIT_MAX && (held & (held - 1)) == 0 ? held : unit_max;
}

static int
parts_create(struct daemon *d, struct fail *fail)
{
	uint32_t unit_max = read_unit_arena(d->options.arena_mib, d->options.connections_max);
	char path[PATH_MAX + 16];
	struct registry_limits limits = {
		.torrents_max = (uint32_t)d->options.torrents_max,
		.worker_cnt = options_worker_cnt(&d->options),
	};
	struct session_env env = {.registry = &d->registry, .classes = &d->classes};
	struct link_env link = {.options = &d->options, .session = &env, .starter = d->starter};

	snprintf(path, sizeof(path), "%s/catalogue.db", d->options.state_dir);
	d->classes.preset = (uint32_t)d->options.congestion;
	int err = classes_parse(&d->classes, d->options.congestion_classes, fail);
	if (err == 0)
		err = registry_open(&d->registry, path, &limits, fail);
	if (err == 0)
		err = policy_create(&d->policy, &d->options, &d->registry, fail);
	env.policy = d->reload.policy = d->policy;
	if (err == 0)
		err = work_create(&d->work, &d->registry, unit_max, fail);
	struct apply_env apply_env = {
		.options = &d->options,
		.classes = &d->classes,
		.registry = &d->registry,
		.work = d->work,
	};
	if (err == 0)
		err = apply_create(&d->apply, &apply_env, fail);
	struct commands_env adding = {
		.options = &d->options,
		.classes = &d->classes,
		.registry = &d->registry,
		.work = d->work,
	};
	if (err == 0)
		err = watched_create(&d->watched, &adding, fail);
	if (err == 0)
		err = scrub_create(&d->scrub, &d->options, &d->registry, d->work, fail);
	if (err == 0 && tally_create(&d->tally, &d->registry) != 0)
		err = fail_set(fail, ENOMEM, "out of memory");
	env.tally = d->tally;
	if (err == 0)
		err = announce_create(&d->announce, &d->options, &d->registry, d->tally, fail);
	if (err == 0)
		err = dht_create(&d->dht, &d->options, &d->registry, fail);
	link.unit_max = err == 0 ? unit_held(d, unit_max) : unit_max;
	if (err == 0 && link_create(&d->link, &link) != 0)
		err = fail_set(fail, ENOMEM, "out of memory");
	if (err == 0 && shares_create(&d->shares, d->link, d->policy, d->tally, &d->registry) != 0)
		err = fail_set(fail, ENOMEM, "out of memory");
	return err;
}

static void
parts_destroy(struct daemon *d)
{
	api_destroy(d->api);
	commands_destroy(d->commands);
	announce_destroy(d->announce);
	dht_destroy(d->dht);
	rpc_destroy(d->rpc);
	link_destroy(d->link);
	tally_destroy(d->tally);
	watched_destroy(d->watched);
	apply_destroy(d->apply);
	scrub_destroy(d->scrub);
	work_destroy(d->work);
	policy_destroy(d->policy);
	shares_destroy(d->shares);
	registry_close(&d->registry);
}

static int
clients_open(struct daemon *d, struct fail *fail)
{
	char path[OPTION_DIR_MAX + 16];

	snprintf(path, sizeof(path), "%s/control.sock", d->options.run_dir);
	int err = rpc_create(&d->rpc, path, fail);
	if (err != 0)
		return err;
	struct commands_env env = {
		.options = &d->options,
		.classes = &d->classes,
		.registry = &d->registry,
		.tally = d->tally,
		.link = d->link,
		.dht = d->dht,
		.work = d->work,
		.apply = d->apply,
		.scrub = d->scrub,
		.rpc = d->rpc,
		.reload = &d->reload,
		.announce = d->announce,
		.policy = d->policy,
	};
	if (commands_create(&d->commands, &env) != 0)
		return fail_set(fail, ENOMEM, "out of memory");
	err = announce_start(d->announce, fail);
	if (err == 0)
		err = api_create(&d->api, &env, fail);
	if (err != 0)
		return err;
	log_info("ready", "socket=%s torrents=%" PRIu32, LOG_QUOTE(path),
	         torrents_cnt(d->registry.torrents));
	notify_ready();
	return 0;
}

/* ---- The loop. */

enum {
	PARTS_MAX = 16, /* descriptors of parts that have one */
	POLL_MAX = PARTS_MAX + LINK_POLL_MAX + RPC_POLL_MAX,
};

static void
wait_for_events(struct daemon *d)
{
	struct pollfd fds[POLL_MAX];
	int timeout_ms = clock_sooner_ms(link_timeout_ms(d->link), api_timeout_ms(d->api));
	nfds_t cnt = 0;

	timeout_ms = clock_sooner_ms(timeout_ms, work_timeout_ms(d->work));
	timeout_ms = clock_sooner_ms(timeout_ms, announce_timeout_ms(d->announce));
	timeout_ms = clock_sooner_ms(timeout_ms, dht_timeout_ms(d->dht));
	timeout_ms = clock_sooner_ms(timeout_ms, scrub_timeout_ms(d->scrub));
	timeout_ms = clock_sooner_ms(timeout_ms, policy_timeout_ms(d->policy));
	timeout_ms = clock_sooner_ms(timeout_ms, shares_timeout_ms(d->shares));
	fds[cnt++] = (struct pollfd){.fd = d->place.signal_fd, .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = work_fd(d->work), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = apply_fd(d->apply), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = watched_fd(d->watched), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = scrub_fd(d->scrub), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = api_fd(d->api), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = announce_fd(d->announce), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = dht_fd(d->dht), .events = POLLIN};
	cnt += link_poll(d->link, fds + cnt);
	if (d->rpc != NULL)
		cnt += rpc_poll(d->rpc, fds + cnt);
	if (d->commands != NULL)
		timeout_ms = clock_sooner_ms(timeout_ms, commands_timeout_ms(d->commands));
	timeout_ms = clock_sooner_ms(timeout_ms, notify_run(&d->notify));
	timeout_ms = clock_sooner_ms(timeout_ms, apply_timeout_ms(d->apply));
	timeout_ms = clock_sooner_ms(timeout_ms, watched_timeout_ms(d->watched));
	poll(fds, cnt, timeout_ms);
}

/* signal_take returns a signal that came, 0 for none. */
static int
signal_take(const struct daemon *d)
{
	struct signalfd_siginfo info;

	return read(d->place.signal_fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

/* on_hup reads the configuration again; what is wrong with it is in the log. */
static void
on_hup(struct daemon *d)
{
	struct options_change change;
	struct fail fail;

	reload_run(&d->reload, &change, &fail);
}

static void
status_tell(struct daemon *d)
{
	uint32_t cnt = torrents_cnt(d->registry.torrents);

	if (link_ready(d->link))
		notify_status(&d->notify, "serving, %" PRIu32 " torrents", cnt);
	else if (d->rpc != NULL)
		notify_status(&d->notify, "the dataplane is down, %" PRIu32 " torrents", cnt);
	else
		notify_status(&d->notify, "starting the dataplane");
}

/* turn does what is due. Returns 0 or a negative errno with fail. */
static int
turn(struct daemon *d, struct fail *fail)
{
	if (d->commands != NULL) {
		rpc_run(d->rpc);
		commands_run(d->commands);
	}
	api_run(d->api);
	work_run(d->work);
	scrub_run(d->scrub);
	announce_hold(d->announce, policy_drains(d->policy));
	announce_run(d->announce);
	dht_hold(d->dht, policy_drains(d->policy));
	dht_run(d->dht);
	apply_run(d->apply);
	watched_run(d->watched);
	policy_run(d->policy);
	shares_run(d->shares);
	/* Last: what was just changed is told to the dataplane at once. */
	int err = link_run(d->link, fail);
	if (err == 0 && d->rpc == NULL && link_ready(d->link))
		err = clients_open(d, fail);
	return err;
}

/* loop runs until a signal to end, which it returns, or a negative errno with fail. */
static int
loop(struct daemon *d, struct fail *fail)
{
	for (;;) {
		int signal_number = signal_take(d);
		if (signal_number == SIGHUP)
			on_hup(d);
		else if (signal_number != 0)
			return signal_number;
		int err = turn(d, fail);
		if (err == 0 && d->commands != NULL)
			commands_run(d->commands);
		if (err != 0)
			return err;
		status_tell(d);
		wait_for_events(d);
	}
}

static int
serve(struct daemon *d, struct fail *fail)
{
	int err = link_start(d->link, fail);
	int ended = err == 0 ? loop(d, fail) : err;

	notify_stopping();
	if (ended == SIGQUIT) {
		log_info("leave", "signal=%d", ended);
		link_leave(d->link);
		return 0;
	}
	if (ended > 0)
		log_info("stop", "signal=%d", ended);
	announce_stop(d->announce);
	link_stop(d->link);
	return ended < 0 ? ended : 0;
}

/* complain is the last word of a daemon that cannot go on; the journal takes a priority. */
static void
complain(const struct fail *fail)
{
	fprintf(stderr, "%sspillwayd: %s\n", log_is_journal() ? "<3>" : "", fail->text);
}

/* privileges_give_up prepares what root is needed for, leaves the starting of dataplanes to the
 * starter, and keeps the right to read content. Threads come after it: they have what is left. */
static int
privileges_give_up(struct daemon *d, struct fail *fail)
{
	struct privileges_user user;
	struct starter_config starter = {.user = &user, .run_dir = d->options.run_dir};
	int err = privileges_user_find(&user, d->options.user, fail);

	if (err == 0)
		err = place_prepare(&d->place, &d->options, &user, fail);
	if (err == 0)
		err = preflight_binary(&d->options, starter.binary, fail);
	if (err == 0)
		err = preflight_fixed(&starter.fixed, &d->options, starter.binary, fail);
	starter.caps = privileges_port(d->options.port);
	starter.sandbox = d->options.sandbox;
	if (err == 0)
		err = starter_create(&d->starter, &starter, fail);
	if (err == 0)
		place_yield(&d->options);
	if (err == 0)
		err = privileges_drop(&user, d->options.sandbox, fail);
	return err;
}

static int
daemon_run(struct daemon *d)
{
	struct fail fail;

	log_setup((enum log_level)d->options.log_level, (enum log_format)d->options.log_format);
	notify_init(&d->notify);
	int err = privileges_give_up(d, &fail);

	if (err == 0)
		err = parts_create(d, &fail);
	if (err == 0)
		err = serve(d, &fail);
	parts_destroy(d);
	starter_destroy(d->starter);
	if (err == 0)
		return EXIT_SUCCESS;
	complain(&fail);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	enum options_action action;
	struct fail fail;

	int err = options_parse(&d.options, argc, argv, &action, &fail);
	if (err == 0 && action == OPTIONS_RUN)
		err = preflight_port(d.options.port, &fail);
	if (err != 0) {
		complain(&fail);
		return 2;
	}
	d.reload = (struct reload_env){
		.argc = argc,
		.argv = argv,
		.options = &d.options,
		.classes = &d.classes,
		.registry = &d.registry,
	};
	switch (action) {
	case OPTIONS_HELP:
		options_usage(stdout);
		return EXIT_SUCCESS;
	case OPTIONS_VERSION:
		puts("spillwayd " SPILLWAY_VERSION);
		return EXIT_SUCCESS;
	case OPTIONS_PRINT_MAN:
		options_man(stdout);
		return EXIT_SUCCESS;
	case OPTIONS_PRINT_CONFIG:
		options_print(&d.options, stdout);
		return EXIT_SUCCESS;
	default:
		return daemon_run(&d);
	}
}
