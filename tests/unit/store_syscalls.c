/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The kernel is entered at most once a submit, never elsewhere, and not at all when there is
 * nothing to start or to hear. Entries are counted by a seccomp filter that traps io_uring_enter;
 * the handler makes the call again with a mark that the filter lets through. And: a sleeper is
 * woken by the store's descriptor; memory that may not be pinned is read into all the same. */
#include "tests/unit/store_lab.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

enum { KIB = 1024, BLOCK = 16 * KIB, UNIT = 64 * KIB, MARK = 0x53504c57, SKIPPED = 77 };

static const struct lab_file file = {.len = 64 * UNIT};
static const struct lab_config config = {&file, 1, UNIT, UNIT, NULL, 0, false, 15, NULL};

static volatile sig_atomic_t enter_cnt;

#ifdef __x86_64__
static void
on_trap(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	long ret;

	(void)signal;
	(void)info;
	enter_cnt++;
	/* Without a signal mask the last argument, its size, says nothing. */
	ret = syscall(SYS_io_uring_enter, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX],
	              regs[REG_R10], regs[REG_R8], (long)MARK);
	regs[REG_RAX] = ret < 0 ? -errno : ret;
}
#endif

/* count_enters begins counting; for the rest of the program. */
static void
count_enters(void)
{
#ifdef __x86_64__
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_CNT(code), code};
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	assert_int_equal(sigaction(SIGSYS, &action, NULL), 0);
	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
#else
	exit(SKIPPED);
#endif
}

/* entered returns the entries since the last call. */
static int
entered(void)
{
	int cnt = enter_cnt;

	enter_cnt = 0;
	return cnt;
}

static void
a_submit_enters_once_at_most(void **state)
{
	struct store_req reqs[8], *over[8];
	struct torrent *torrent;
	struct shop shop;
	struct lab lab;
	uint32_t done = 0;
	int with_news = 0;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 16, 1);
	torrent = lab_activate(&lab, shop.store);
	count_enters();
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(shop_turn(&shop, over, 8), 0);
	assert_int_equal(entered(), 0);
	for (uint32_t i = 0; i < 8; i++) {
		reqs[i] = block_of(torrent, i, 0, BLOCK);
		assert_int_equal(store_read(shop.store, &reqs[i]), STORE_PENDING);
	}
	assert_int_equal(entered(), 0);
	store_submit(shop.store);
	assert_int_equal(entered(), 1);
	while (done < 8) {
		store_submit(shop.store);
		assert_in_range(enter_cnt, 0, 1);
		with_news += entered();
		done += store_reap(shop.store, over, 8);
		assert_int_equal(entered(), 0);
	}
	/* Polling while a disk seeks costs nothing: only news is fetched. */
	assert_in_range(with_news, 0, 8);
	for (uint32_t i = 0; i < 8; i++)
		spans_drop(&reqs[i]);
	shop_close(&shop);
	lab_destroy(&lab);
}

static void
the_descriptor_wakes_a_sleeper(void **state)
{
	struct store_req req, *over;
	struct torrent *torrent;
	struct pollfd sleeper = {.events = POLLIN};
	struct shop shop;
	struct lab lab;

	(void)state;
	lab_create(&lab, &config);
	shop_open(&shop, 16, 1);
	torrent = lab_activate(&lab, shop.store);
	for (uint32_t unit = 0; unit < 8; unit++) {
		time_t begin = time(NULL);

		sleeper.fd = store_wait_fd(shop.store);
		assert_int_equal(poll(&sleeper, 1, 0), 0);
		req = block_of(torrent, unit, 0, BLOCK);
		assert_int_equal(store_read(shop.store, &req), STORE_PENDING);
		store_submit(shop.store);
		if (unit % 2 == 1)
			usleep(20000); /* what ended before is told as well */
		sleeper.fd = store_wait_fd(shop.store);
		assert_int_equal(poll(&sleeper, 1, 20000), 1);
		assert_in_range(time(NULL) - begin, 0, 10);
		assert_int_equal(shop_turn(&shop, &over, 1), 1);
		assert_int_equal(req.status, STORE_READY);
		spans_drop(&req);
	}
	shop_close(&shop);
	lab_destroy(&lab);
}

/* forbid_pinning leaves the process no right to pin more memory than the ring itself is. What is
 * pinned is counted by user: root becomes one of its own. */
static void
forbid_pinning(void)
{
	const struct rlimit little = {512 * KIB, 512 * KIB};
	const uid_t uid = 100000 + (uid_t)getpid();

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	if (geteuid() == 0)
		assert_int_equal(setresuid(uid, uid, uid), 0);
}

/* read_unpinned walks the torrent with descriptors from before the process lost its rights. */
static void
read_unpinned(const struct lab *lab)
{
	struct abi_files files = {.id = lab->id, .file_cnt = 1};
	int layout_fd = lab_layout_fd(lab);
	int fd = lab_file_fd(lab, 0);
	struct shop shop;

	forbid_pinning();
	shop_open(&shop, 16, 1);
	assert_int_equal(store_add(shop.store, lab->id, lab->info_hash), ABI_OK);
	assert_int_equal(store_layout(shop.store, lab->id, layout_fd), ABI_OK);
	assert_int_equal(store_files(shop.store, &files, &fd, 1), ABI_OK);
	shop_walk(&shop, lab, store_by_id(shop.store, lab->id), BLOCK);
	shop_close(&shop);
}

static void
memory_that_may_not_be_pinned_is_read_into(void **state)
{
	struct lab lab;
	int status = 0;
	pid_t child;

	(void)state;
	lab_create(&lab, &config);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		read_unpinned(&lab);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	lab_destroy(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_descriptor_wakes_a_sleeper),
		cmocka_unit_test(memory_that_may_not_be_pinned_is_read_into),
		cmocka_unit_test(a_submit_enters_once_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
