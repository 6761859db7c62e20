/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Handing a torrent's content to the dataplane. */
#include "control/link/activation.h"

#include "control/content/content.h"
#include "control/content/device.h"
#include "control/content/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct activation {
	uint32_t id;
	struct metainfo *meta;
	struct catalogue_verified verified;
	int dir_fd;
	int layout_fd;      /* -1 once sent */
	uint32_t file_next; /* index in meta->file */
	uint32_t data_next; /* descriptor index of the first with data from there on */
};

static int
layout_prepare(struct activation *activation, struct fail *fail)
{
	const struct catalogue_verified *verified = &activation->verified;
	const struct metainfo *meta = activation->meta;
	struct layout_plan plan;
	struct metainfo_error refused;

	int err = layout_plan_create(&plan, meta, verified->unit_len, &refused);
	if (err != 0)
		return fail_set(fail, -err, "%s", refused.text);
	bool fits = verified->fingerprint_cnt == plan.unit_cnt &&
	            verified->have_len == layout_have_len(meta) &&
	            verified->pin_cnt == meta->data_file_cnt;
	layout_plan_free(&plan);
	if (!fits)
		return fail_set(fail, ESTALE, "what the catalogue holds as verified does not fit");
	activation->layout_fd = layout_memfd(meta, verified->unit_len, verified->have,
	                                     verified->fingerprints, &refused);
	if (activation->layout_fd < 0)
		return fail_set(fail, -activation->layout_fd, "%s", refused.text);
	return 0;
}

int
activation_begin(struct activation **activation, struct registry *registry, uint32_t id,
                 struct fail *fail)
{
	struct activation *a = calloc(1, sizeof(*a));
	char *data_dir = NULL;

	if (a == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	*a = (struct activation){.id = id, .dir_fd = -1, .layout_fd = -1};
	int err = registry_metainfo(registry, id, &a->meta, &data_dir, fail);
	if (err == 0)
		err = catalogue_verified(registry->catalogue, id, &a->verified, fail);
	if (err == 0)
		a->dir_fd = err = content_dir_open(data_dir, fail);
	if (err >= 0)
		err = layout_prepare(a, fail);
	free(data_dir);
	if (err != 0) {
		activation_end(a);
		return err;
	}
	*activation = a;
	return 0;
}

static enum activation_progress
layout_send(struct activation *activation, struct dpclient *client, uint32_t *cookie,
            struct fail *fail)
{
	struct abi_torrent_ref ref = {.id = activation->id};
	struct dpclient_request request = {
		.type = ABI_LAYOUT,
		.body = &ref,
		.body_len = sizeof(ref),
		.fds = &activation->layout_fd,
		.fd_cnt = 1,
	};
	int err = dpclient_send(client, &request, cookie);

	activation->layout_fd = -1;
	if (err == 0)
		return ACTIVATION_MORE;
	fail_set(fail, -err, "the connection to the dataplane failed: %s", strerror(-err));
	return ACTIVATION_LOST;
}

/* absent_open returns what stands for a file that is missing: no piece is had of it, so that it is
 * never read. */
static int
absent_open(struct fail *fail)
{
	int fd = memfd_create("absent", MFD_CLOEXEC);

	return fd >= 0 ? fd : fail_set(fail, errno, "memfd_create: %s", strerror(errno));
}

/* batch_open opens the next files, up to ABI_FDS_MAX. Returns their number or -errno with fail. */
static int
batch_open(struct activation *activation, int *fds, struct fail *fail)
{
	const struct metainfo *meta = activation->meta;
	int cnt = 0;
	int err = 0;

	for (; err == 0 && cnt < ABI_FDS_MAX && activation->file_next < meta->file_cnt;
	     activation->file_next++) {
		const struct metainfo_file *file = &meta->file[activation->file_next];
		struct content_pin pin;

		if (!metainfo_file_has_data(file))
			continue;
		const struct content_pin *known = &activation->verified.pins[activation->data_next++];
		int fd = content_pin_absent(known)
		             ? absent_open(fail)
		             : content_file_open(activation->dir_fd, file, &pin, fail);
		if (fd < 0) {
			err = fd;
			break;
		}
		fds[cnt++] = fd;
		if (!content_pin_absent(known) && !content_pin_equal(&pin, known))
			err = fail_set(fail, ESTALE, "%s: changed since it was verified", file->path);
	}
	while (err != 0 && cnt > 0)
		close(fds[--cnt]);
	return err != 0 ? err : cnt;
}

static enum activation_progress
batch_failed(int err)
{
	switch (err) {
	case -ESTALE:
	case -ERANGE:
		return ACTIVATION_CHANGED;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return ACTIVATION_BUSY;
	default:
		return ACTIVATION_FAILED;
	}
}

enum activation_progress
activation_step(struct activation *activation, struct dpclient *client, uint32_t *cookie,
                struct fail *fail)
{
	int fds[ABI_FDS_MAX];

	*cookie = 0;
	if (activation->layout_fd >= 0)
		return layout_send(activation, client, cookie, fail);
	struct abi_files files = {.id = activation->id, .file_first = activation->data_next};
	int cnt = batch_open(activation, fds, fail);
	if (cnt < 0)
		return batch_failed(cnt);
	if (cnt == 0)
		return ACTIVATION_SENT;
	files.file_cnt = (uint32_t)cnt;
	files.flags = device_polls(fds, files.file_cnt) ? ABI_FILES_POLLED : 0;
	struct dpclient_request request = {
		.type = ABI_FILES,
		.body = &files,
		.body_len = sizeof(files),
		.fds = fds,
		.fd_cnt = files.file_cnt,
	};
	int err = dpclient_send(client, &request, cookie);
	if (err != 0) {
		fail_set(fail, -err, "the connection to the dataplane failed: %s", strerror(-err));
		return ACTIVATION_LOST;
	}
	return activation->data_next == activation->verified.pin_cnt ? ACTIVATION_SENT
	                                                             : ACTIVATION_MORE;
}

uint32_t
activation_id(const struct activation *activation)
{
	return activation->id;
}

void
activation_end(struct activation *activation)
{
	if (activation == NULL)
		return;
	if (activation->dir_fd >= 0)
		close(activation->dir_fd);
	if (activation->layout_fd >= 0)
		close(activation->layout_fd);
	metainfo_free(activation->meta);
	catalogue_verified_free(&activation->verified);
	free(activation);
}
