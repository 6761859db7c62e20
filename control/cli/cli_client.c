/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The operator's end of control/commands/rpc.h. */
#include "control/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	READ_LEN = 256 << 10, /* bytes read at once: answers may be of very many lines */
};

static int
unreachable(const struct cli *cli, const char *path, int err)
{
	const char *hint = err == ENOENT || err == ECONNREFUSED ? " (is it running?)" : "";

	return cli_error(cli, CLI_UNREACHABLE, "spillwayd cannot be reached at %s: %s%s", path,
	                 strerror(err), hint);
}

/* call_connect returns a connected socket in *fd, or prints why there is none. */
static int
call_connect(const struct cli *cli, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", cli->run_dir);

	if (len >= (int)sizeof(address.sun_path))
		return unreachable(cli, cli->run_dir, ENAMETOOLONG);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && connect(*fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return CLI_DONE;
	int err = errno;
	if (*fd >= 0)
		close(*fd);
	return unreachable(cli, address.sun_path, err);
}

/* request_send sends one line, with a descriptor beside its first byte. */
static bool
request_send(int fd, json_t *request, int passed_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char *text = json_dumps(request, JSON_COMPACT);

	if (text == NULL)
		return false;
	size_t len = strlen(text);
	text[len++] = '\n'; /* over the NUL */
	struct iovec iov = {.iov_base = text, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	if (passed_fd >= 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &passed_fd, sizeof(passed_fd));
	}
	ssize_t sent = sendmsg(fd, &hdr, MSG_NOSIGNAL);
	while (sent >= 0 && (size_t)sent < len) {
		ssize_t n = send(fd, text + sent, len - (size_t)sent, MSG_NOSIGNAL);
		sent = n < 0 ? n : sent + n;
	}
	free(text);
	return sent >= 0;
}

/* lines_read reads until the final line, which it returns, or NULL when the connection ends. */
static json_t *
lines_read(int fd, const struct cli_call *call)
{
	FILE *in = fdopen(dup(fd), "r");
	json_t *line = NULL;
	char *text = NULL;
	size_t room = 0;
	ssize_t len;

	if (in != NULL)
		setvbuf(in, NULL, _IOFBF, READ_LEN);
	while (in != NULL && line == NULL && (len = getline(&text, &room, in)) > 0) {
		if (call->on_text != NULL && call->on_text(text, (size_t)len, call->ctx))
			continue;
		line = json_loads(text, 0, NULL);
		if (line == NULL || json_object_get(line, "ok") != NULL)
			break;
		if (call->on_line != NULL)
			call->on_line(line, call->ctx);
		json_decref(line);
		line = NULL;
	}
	free(text);
	if (in != NULL)
		fclose(in);
	return line;
}

int
cli_call(const struct cli *cli, const struct cli_call *call, json_t **final)
{
	int fd = -1;
	int code = call->request != NULL
	               ? call_connect(cli, &fd)
	               : cli_error(cli, CLI_FAILED, "the arguments must be UTF-8");

	*final = NULL;
	if (code != CLI_DONE) {
		json_decref(call->request);
		return code;
	}
	/* When sending fails spillwayd may have said why. */
	request_send(fd, call->request, call->fd);
	json_decref(call->request);
	*final = lines_read(fd, call);
	close(fd);
	if (*final == NULL)
		return cli_error(cli, CLI_UNREACHABLE, "spillwayd closed the connection");
	if (json_is_true(json_object_get(*final, "ok")))
		return CLI_DONE;
	const char *text = json_string_value(json_object_get(*final, "error"));
	bool has_subject = call->subject != NULL;
	code = cli_error(cli, CLI_FAILED, "%s%s%s", has_subject ? call->subject : "",
	                 has_subject ? ": " : "", text != NULL ? text : "refused");
	json_decref(*final);
	*final = NULL;
	return code;
}
