/* SPDX-License-Identifier: MIT */
/*
 * Names that nobody answers for. This program's own getaddrinfo() stands in for the
 * system's, also for libcurl's threads: silent names are answered when a test is over.
 */
#include "client_fixture.h"

#include "base/hash.h"
#include "net/names.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>

/* What libcurl's threads and the test share; a resolver is given nothing of the test's.
 */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t asked; /* look-ups of names, by now */
	size_t silent;
	bool released;
} resolver = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void
stay_silent(void)
{
	resolver.silent++;
	while (!resolver.released)
		pthread_cond_wait(&resolver.changed, &resolver.mutex);
	resolver.silent--;
	pthread_cond_broadcast(&resolver.changed);
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo numeric = *hints;
	bool silent = strncmp(name, "silent", strlen("silent")) == 0;

	numeric.ai_flags |= AI_NUMERICHOST;
	numeric.ai_family = AF_INET;
	pthread_mutex_lock(&resolver.mutex);
	resolver.asked++;
	pthread_cond_broadcast(&resolver.changed);
	if (silent)
		stay_silent();
	pthread_mutex_unlock(&resolver.mutex);
	return silent ? EAI_AGAIN : real("127.0.0.1", service, &numeric, found);
}

/* Until so many look-ups have begun; whether there were so many and no more. */
static bool
asked_only(size_t count)
{
	struct timespec deadline = {.tv_sec = time(NULL) + DEADLINE_MS / 1000};
	bool only;

	pthread_mutex_lock(&resolver.mutex);
	while (resolver.asked < count &&
		pthread_cond_timedwait(&resolver.changed, &resolver.mutex, &deadline) ==
			0)
		;
	only = resolver.asked == count;
	pthread_mutex_unlock(&resolver.mutex);
	return only;
}

/* Until the threads that were left behind have ended their look-ups. */
static void
end_silence(void)
{
	pthread_mutex_lock(&resolver.mutex);
	resolver.released = true;
	pthread_cond_broadcast(&resolver.changed);
	while (resolver.silent > 0)
		pthread_cond_wait(&resolver.changed, &resolver.mutex);
	resolver.released = false;
	resolver.asked = 0;
	pthread_mutex_unlock(&resolver.mutex);
}

static void
ask_name(struct net *net, const char *name)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "http://%s:%d/", name, net->server.port);
	start(net, url);
}

static void
check_timed_out(const struct net *net)
{
	CHECK_INT(net->outcomes.curl_code, CURLE_OPERATION_TIMEDOUT);
	CHECK_INT(net->outcomes.status, 0);
	CHECK(!net->outcomes.blocked);
	CHECK(net->outcomes.total_us >= net->connect_timeout_ms * 1000);
}

static void
test_a_silent_name_is_not_asked_again_at_once(void)
{
	struct net net;

	net_start(&net, 2);
	net.connect_timeout_ms = 50;
	for (size_t i = 1; i <= 3; i++) {
		ask_name(&net, "silent.test");
		wait_done(&net, i);
		check_timed_out(&net);
	}
	CHECK(asked_only(1));
	net.connect_timeout_ms = DEADLINE_MS;
	ask_name(&net, "well.test");
	wait_done(&net, 4);
	CHECK_INT((int64_t)net.outcomes.delivered, 1);
	CHECK(asked_only(2));
	net_stop(&net);
	end_silence();
}

static void
test_look_ups_left_behind_are_bounded(void)
{
	enum { SILENT = LOOKUPS_LEFT_MAX + 16 };
	struct net net;
	char name[32];

	net_start(&net, SILENT);
	net.connect_timeout_ms = 50;
	for (int i = 0; i < SILENT; i++) {
		(void)snprintf(name, sizeof(name), "silent%d.test", i);
		ask_name(&net, name);
	}
	wait_done(&net, SILENT);
	CHECK(asked_only(SILENT));
	ask_name(&net, "unknown.test");
	wait_done(&net, SILENT + 1);
	check_timed_out(&net);
	CHECK(asked_only(SILENT));
	end_silence();
	net_stop(&net);
}

/* Whoever waits for its time-out when the client is closed is not called back. */
static void
test_a_client_that_is_closed_waits_for_nobody(void)
{
	struct net net;

	net_start(&net, 2);
	net.connect_timeout_ms = 50;
	ask_name(&net, "silent.test");
	wait_done(&net, 1);
	net.connect_timeout_ms = DEADLINE_MS;
	ask_name(&net, "silent.test");
	ask(&net, 1, "/held");
	while (net.server.held < 1 && !net.late)
		step(&net);
	net_stop(&net);
	CHECK_INT((int64_t)net.outcomes.done, 1);
	end_silence();
}

/* Nobody listens there: a name that is answered for is all that matters. */
static void
look_up(struct names *names, const char *name)
{
	static const struct loop loop = {.now_us = 1};
	CURL *easy = curl_easy_init();
	CURLU *parsed = curl_url();
	struct lookup lookup;
	char url[64];

	(void)snprintf(url, sizeof(url), "http://%s:1/", name);
	CHECK_INT(curl_url_set(parsed, CURLUPART_URL, url, 0), CURLUE_OK);
	curl_easy_setopt(easy, CURLOPT_CURLU, parsed);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		strncmp(name, "silent", strlen("silent")) == 0 ? 50L : DEADLINE_MS);
	lookup_init(&lookup, names, &loop, easy);
	lookup_start(&lookup, parsed);
	lookup_end(&lookup, curl_easy_perform(easy));
	curl_easy_cleanup(easy);
	curl_url_cleanup(parsed);
}

static bool
is_known(const struct names *names, const char *name)
{
	for (size_t i = 0; i < NAMES_KEPT; i++)
		if (strcmp(names->recent[i].name, name) == 0)
			return true;
	return false;
}

/* A silent name that shares the place of the other one, as whoever may choose names and
 * knows the seed, here 0, can find it. */
static void
find_rival(char rival[NAME_SIZE], const char *name)
{
	uint64_t place = hash_span(span_of(name), 0) % NAMES_KEPT;
	int number = 0;

	do
		(void)snprintf(rival, NAME_SIZE, "silent%d.test", number++);
	while (hash_span(span_of(rival), 0) % NAMES_KEPT != place);
}

static void
test_a_silent_name_takes_no_place_of_one_that_answered(void)
{
	struct names names = {0};
	char rival[NAME_SIZE];

	find_rival(rival, "well.test");
	look_up(&names, rival);
	CHECK(is_known(&names, rival));
	look_up(&names, "well.test");
	CHECK(is_known(&names, "well.test"));
	look_up(&names, rival);
	CHECK(is_known(&names, "well.test"));
	CHECK(asked_only(3));
	end_silence();
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_a_silent_name_is_not_asked_again_at_once),
		TAP(test_a_silent_name_takes_no_place_of_one_that_answered),
		TAP(test_look_ups_left_behind_are_bounded), /* leaves threads that end */
		TAP(test_a_client_that_is_closed_waits_for_nobody),
		{0},
	});
}
