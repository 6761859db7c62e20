/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading the configuration again. */
#include "control/options/reload.h"

#include "control/base/classes.h"
#include "control/base/log.h"
#include "control/notify.h"
#include "control/policy/policy.h"
#include "control/link/preflight.h"
#include "control/catalogue/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
reload_names(const char *const *names, uint32_t cnt, char *out, size_t out_len)
{
	size_t len = 0;

	snprintf(out, out_len, "-");
	for (uint32_t i = 0; i < cnt && len < out_len; i++)
		len += (size_t)snprintf(out + len, out_len - len, "%s%s", i > 0 ? "," : "", names[i]);
}

static bool
has_file(const struct reload_env *env)
{
	for (int i = 1; i < env->argc; i++)
		if (strncmp(env->argv[i], "--config", 8) == 0)
			return true;
	return false;
}

static int
read_again(const struct reload_env *env, struct options *next, struct fail *fail)
{
	enum options_action action;

	if (!has_file(env))
		return fail_set(fail, ENOENT,
		                "spillwayd was started without --config: there is no file to read again");
	int err = options_parse(next, env->argc, env->argv, &action, fail);
	return err != 0 ? err : preflight_port(next->port, fail);
}

/* torrent_reclass has every worker that holds a torrent told of its congestion control again. */
static void
torrent_reclass(struct torrents *torrents, struct torrent *t)
{
	for (uint32_t w = 0; w < t->place_cnt; w++)
		t->place[w].reclass = true;
	torrents_push_all(torrents, t);
}

/* classes_renew makes the classes anew; torrents for which that is a change are told. */
static void
classes_renew(const struct reload_env *env)
{
	struct classes before = *env->classes;
	struct torrents *torrents = env->registry->torrents;
	struct fail ignored;

	env->classes->preset = (uint32_t)env->options->congestion;
	classes_parse(env->classes, env->options->congestion_classes, &ignored); /* it was checked */
	if (memcmp(&before, env->classes, sizeof(before)) == 0)
		return;
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		if (classes_congestion(&before, t->class_name) !=
		    classes_congestion(env->classes, t->class_name))
			torrent_reclass(torrents, t);
}

/* apply tells everyone who keeps something that was made of options. */
static void
apply(const struct reload_env *env)
{
	log_setup((enum log_level)env->options->log_level,
	          (enum log_format)env->options->log_format);
	classes_renew(env);
	policy_reconfigure(env->policy);
}

int
reload_run(const struct reload_env *env, struct options_change *change, struct fail *fail)
{
	static struct options next; /* large for a stack */
	char done[512], waiting[512];

	notify_reloading();
	int err = read_again(env, &next, fail);
	if (err != 0) {
		log_error("reload_refused", "reason=%s", LOG_QUOTE(fail->text));
		notify_ready();
		return err;
	}
	options_renew(env->options, &next, change);
	apply(env);
	reload_names(change->done, change->done_cnt, done, sizeof(done));
	reload_names(change->waiting, change->waiting_cnt, waiting, sizeof(waiting));
	log_info("reloaded", "changed=%s needs_restart=%s", done, waiting);
	notify_ready();
	return 0;
}
