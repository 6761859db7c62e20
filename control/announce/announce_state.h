/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* announce_state.h is what the parts of the announcer share: announce.c (what it is made of, and
 * the registry's changes), announce_self.c (who announces), announce_load.c (a torrent's trackers),
 * announce_seat.c (when and where a torrent asks, what answers mean), announce_host.c (a host's
 * queue, rate and back-off), announce_scrape.c, announce_status.c. No one else includes it.
 *
 * Things are numbered and refer to each other by number, for their arrays move as they grow.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_ANNOUNCE_STATE_H
#define SPILLWAY_CONTROL_ANNOUNCE_ANNOUNCE_STATE_H

#include "control/announce/announce.h"
#include "control/announce/due_heap.h"
#include "control/announce/intern.h"
#include "control/announce/tracker.h"
#include "control/announce/tracker_dns.h"
#include "control/announce/tracker_http.h"
#include "control/announce/tracker_udp.h"

#define ANNOUNCE_NONE UINT32_MAX

enum record_flag {
	RECORD_USED = 1u << 0,
	RECORD_WANTED = 1u << 1,  /* to be announced; else on its way out */
	RECORD_LOADED = 1u << 2,  /* its trackers are known */
	RECORD_LOADING = 1u << 3, /* in the list of those to be loaded */
};

/* A torrent. */
struct record {
	uint8_t info_hash[20];
	uint32_t id;
	uint64_t base_bytes;     /* what it had uploaded when it began to be announced */
	uint64_t uploaded_bytes; /* since then, as last seen */
	uint64_t left_bytes;
	uint32_t seat;           /* the first, ANNOUNCE_NONE for none */
	uint32_t next;           /* to be loaded, or free */
	uint32_t flags;          /* enum record_flag */
};

enum seat_flag {
	SEAT_FLYING = 1u << 0,   /* asked, no result yet */
	SEAT_PARTIAL = 1u << 1,  /* announced with pieces missing */
	SEAT_SAID_PARTIAL = 1u << 2, /* what the last question said */
	SEAT_SAID_STOPPED = 1u << 3,
};

/* A torrent at a tier. */
struct seat {
	uint32_t record;
	uint32_t tier;       /* in tiers */
	uint32_t host;       /* in whose queue it is, or that it asks; ANNOUNCE_NONE for neither */
	uint32_t next;       /* of the same torrent, or free */
	uint32_t text;       /* in texts; ANNOUNCE_NONE for "" */
	uint32_t tracker_id; /* in texts */
	uint32_t last_s;     /* of announce->begin_ms, of the last result; 0: never */
	uint32_t interval_s;
	uint32_t again_s;    /* seconds after last_s before announce_now may ask */
	struct tracker_counts counts;
	uint8_t at;          /* the tracker of the tier that is asked */
	uint8_t known_at;    /* the one that we are known to; SEAT_UNKNOWN for none */
	uint8_t try_cnt;     /* trackers of the tier that have refused in a row */
	uint8_t fail_cnt;    /* rounds of refusals in a row */
	uint8_t state;       /* enum announce_state: WAITING, WORKING or FAILING */
	uint8_t flags;       /* enum seat_flag */
};

#define SEAT_UNKNOWN UINT8_MAX

enum host_flag {
	HOST_RESOLVING = 1u << 0,
	HOST_CONNECTING = 1u << 1,
	HOST_PROVEN = 1u << 2,   /* has answered since it last failed */
	HOST_UDP = 1u << 3,
	HOST_SCRAPING = 1u << 4, /* a scrape is under way */
};

/* A tracker's host. */
struct host {
	struct due_heap queue;   /* of seats */
	uint32_t flags;          /* enum host_flag */
	uint32_t serial;         /* of its use of the number: answers to an earlier one are void */
	uint32_t flying_cnt;
	uint32_t dead_cnt;       /* failures in a row */
	uint32_t bad_cnt;        /* useless answers in a row */
	uint32_t text;           /* of the last failure, in texts */
	int64_t back_ms;         /* when its back-off ends; 0: it has none */
	int64_t next_us;         /* when its rate allows the next question */
	int64_t resolved_ms;     /* when its addresses were looked up; 0: never */
	int64_t probed_ms;       /* when announce_now last cut its back-off short */
	int64_t scrape_ms;       /* when its torrents are scraped again */
	uint32_t scrape_at;      /* seats before this one have been, this time */
	uint32_t address_at;     /* the one in use */
	struct tracker_addresses *addresses;
	struct tracker_connection connection;
};

/* What a cookie is of: its upper 8 bits; then 24 of a serial, and a number of 32. */
enum cookie_kind {
	COOKIE_SEAT,
	COOKIE_HOST,   /* a connect or a look-up */
	COOKIE_SCRAPE, /* of a host */
};

struct announce {
	const struct options *options;
	struct registry *registry;
	struct tally *tally;
	struct tracker_self self;
	struct tracker_http *http;
	struct tracker_udp *udp;
	struct tracker_dns *dns;
	int epoll_fd;
	bool started;
	bool held;               /* by announce_hold */
	bool stopping;           /* the end: the rate does not count */
	int64_t begin_ms;
	int64_t tally_ms;        /* of the last fresh snapshot */

	uint64_t serial;         /* of the registry: all changes up to it are seen */
	uint32_t walk_id;        /* before changes are looked at, all torrents up to it are */
	bool walked;
	int64_t load_ms;         /* when the next slice of trackers is read; 0: at once */
	uint32_t load_first;     /* records to be loaded */
	uint32_t load_last;

	struct record *record;
	uint32_t record_cnt;     /* numbers given out */
	uint32_t record_cap;
	uint32_t record_free;
	uint32_t record_live_cnt;
	uint32_t wanted_cnt;
	uint32_t *slot;          /* by info_hash: record + 1; open addressing */
	uint32_t slot_cnt;       /* a power of two, or 0 */
	uint64_t slot_seed;

	struct seat *seat;
	uint32_t *seat_place;    /* in its host's queue */
	uint32_t seat_cnt;
	uint32_t seat_cap;
	uint32_t seat_free;
	uint32_t known_cnt;      /* seats with known_at */
	uint32_t state_cnt[ANNOUNCE_STATE_CNT]; /* seats by state */

	struct intern texts;
	struct intern urls;
	struct intern tiers;     /* of numbers in urls */
	struct intern hosts;     /* "scheme://host:port" */
	uint32_t *url_host;      /* by number in urls */
	uint32_t url_cap;
	struct host *host;       /* by number in hosts */
	uint32_t *host_place;    /* in due_hosts */
	uint32_t host_cap;
	uint32_t host_serial;
	struct due_heap due_hosts;

	int64_t scrape_ms;       /* when hosts are looked at for scrapes */
	uint64_t sent_cnt;
	uint64_t ok_cnt;
	uint64_t failed_cnt;
};

/* ---- announce.c */

/* announce_grow makes room for cnt members of size bytes in *array, whose room is *cap. Returns 0
 * or -ENOMEM. */
int
announce_grow(void **array, uint32_t *cap, uint32_t cnt, size_t size);

/* record_find returns the number of a torrent's record or ANNOUNCE_NONE. */
uint32_t
record_find(const struct announce *a, const uint8_t info_hash[20]);

/* record_look brings what a record says of its torrent up to date. */
void
record_look(struct announce *a, uint32_t record);

/* record_settle frees a record that is not wanted and has nothing under way. */
void
record_settle(struct announce *a, uint32_t record);

/* ---- announce_self.c */

/* self_make decides who announces. Where the kernel owns the address served it is what questions
 * are sent from; else it is told (BEP 3 "ip"). */
void
self_make(struct announce *a, uint32_t address_be);

/* ---- announce_load.c */

/* load_run reads the trackers of some records that wait for it. */
void
load_run(struct announce *a, int64_t now_ms);

/* ---- announce_seat.c */

/* seat_new makes a seat of a record at a tier, which it takes over. Returns its number or
 * ANNOUNCE_NONE. */
uint32_t
seat_new(struct announce *a, uint32_t record, uint32_t tier);

/* seat_free forgets a seat that is not flying. */
void
seat_free(struct announce *a, uint32_t seat);

/* seat_trackers returns the trackers of a seat's tier, cnt of them, as numbers in urls. */
const uint32_t *
seat_trackers(const struct announce *a, const struct seat *seat, uint32_t *cnt);

/* seat_queue has a seat ask at due_ms, at the tracker that is its turn, or another of the tier
 * when that one's host is backing off. */
void
seat_queue(struct announce *a, uint32_t seat, int64_t due_ms);

/* seat_farewell has a seat tell "stopped" at due_ms, if the tracker knows of us. Returns false when
 * it has nothing to tell (any more). */
bool
seat_farewell(struct announce *a, uint32_t seat, int64_t due_ms);

/* seat_ask fills the question of a seat that is due. */
void
seat_ask(struct announce *a, uint32_t seat, struct tracker_ask *ask);

/* seat_result takes what came of a seat's question. */
void
seat_result(struct announce *a, uint32_t seat, const struct tracker_result *result);

/* text_set replaces a number in texts by that of a text. */
void
text_set(struct announce *a, uint32_t *number, const char *text);

/* text_of returns the text of a number in texts. */
const char *
text_of(const struct announce *a, uint32_t number);

/* ---- announce_host.c */

/* url_take returns the number of a tracker's URL, held once more, or ANNOUNCE_NONE when it cannot
 * be used or memory is out. */
uint32_t
url_take(struct announce *a, const char *url);

/* url_drop lets go of an URL, and of its host with the last of them. */
void
url_drop(struct announce *a, uint32_t url);

/* tier_take returns the number of a list of URLs, held once more, which it takes over; or
 * ANNOUNCE_NONE: the URLs are let go of. */
uint32_t
tier_take(struct announce *a, const uint32_t *urls, uint32_t cnt);

/* tier_drop lets go of a tier. */
void
tier_drop(struct announce *a, uint32_t tier);

/* host_due has a host looked at when its first seat, rate and back-off say so. */
void
host_due(struct announce *a, uint32_t host, int64_t now_ms);

/* host_good, host_bad and host_dead take note of an answer, a useless answer, and none. */
void
host_good(struct announce *a, uint32_t host);
void
host_bad(struct announce *a, uint32_t host, const char *text, int64_t now_ms);
void
host_dead(struct announce *a, uint32_t host, const char *text, int64_t now_ms);

/* hosts_run asks whoever is due. */
void
hosts_run(struct announce *a, int64_t now_ms);

/* host_ready is true when a question can be sent to a host; else what is missing has been begun. */
bool
host_ready(struct announce *a, uint32_t host, int64_t now_ms);

/* host_of_cookie returns the host that a cookie means, or ANNOUNCE_NONE when it is gone. */
uint32_t
host_of_cookie(const struct announce *a, uint64_t cookie);

/* host_answered takes the result of a connect. */
void
host_answered(struct announce *a, const struct tracker_result *result, int64_t now_ms);

/* host_resolved takes the result of a look-up. */
void
host_resolved(struct announce *a, uint64_t cookie, const struct tracker_addresses *addresses,
              int64_t now_ms);

/* jitter_ms returns a time of which up to a fifth is random. */
int64_t
jitter_ms(int64_t ms);

/* ---- announce_scrape.c */

/* scrapes_run asks hosts whose torrents are to be scraped. */
void
scrapes_run(struct announce *a, int64_t now_ms);

/* scrape_result takes what came of a scrape. */
void
scrape_result(struct announce *a, const struct tracker_result *result, int64_t now_ms);

#endif
