/* SPDX-License-Identifier: MIT */
#include "work/judge.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { NOW = 1000000 };

struct scene {
	struct policy policy;
	struct rng rng;
	struct judge judge;
	struct task_pool pool;
	struct task *task;
};

static void
scene_init(struct scene *scene)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	*scene = (struct scene){0};
	policy_init(&scene->policy);
	scene->policy.jitter_percent = 0;
	rng_seed(&scene->rng, 1);
	scene->judge = (struct judge){
		.policy = &scene->policy,
		.rng = &scene->rng,
		.worker = 7,
		.snippet_bytes = 4,
	};
	delivery->event_id = SPAN_LITERAL("evt");
	delivery->endpoint = SPAN_LITERAL("acme");
	delivery->attempt = 1;
	delivery->attempts_made = 3;
	delivery->max_attempts = 10;
	scene->task = task_take(&scene->pool, delivery);
	scene->task->started_at = NOW - 5;
}

static void
scene_free(struct scene *scene)
{
	task_pool_free(&scene->pool);
}

static struct transfer_result
response(int status)
{
	static const struct response_facts none;

	return (struct transfer_result){
		.status = status,
		.http_version = 11,
		.message = SPAN_LITERAL(""),
		.body = SPAN_LITERAL("response"),
		.facts = &none,
		.peer = SPAN_LITERAL("192.0.2.1:80"),
		.dns_us = -1,
		.connect_us = -1,
		.tls_us = -1,
		.first_byte_us = 10,
		.total_us = 20,
	};
}

static void
test_2xx_is_a_delivery(void)
{
	struct transfer_result result = response(204);
	struct scene scene;

	scene_init(&scene);
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_COMPLETED);
	CHECK_INT(scene.task->settle.attempt.number, 4);
	CHECK_INT(scene.task->settle.attempt.started_at, NOW - 5);
	CHECK_INT(scene.task->settle.attempt.worker, 7);
	CHECK_SPAN(scene.task->settle.attempt.peer, "192.0.2.1:80");
	CHECK_SPAN(scene.task->settle.attempt.snippet, "resp");
	CHECK(!span_present(scene.task->settle.attempt.failure.rule));
	scene_free(&scene);
}

static void
test_2xx_that_broke_off_is_a_transport_failure(void)
{
	struct transfer_result result = response(200);
	struct scene scene;

	scene_init(&scene);
	result.curl_code = 18;
	result.message = SPAN_LITERAL("transfer closed with 3 bytes remaining to read");
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_RETRY);
	CHECK_INT(scene.task->settle.attempt.failure.type, ERROR_NETWORK);
	scene_free(&scene);
}

static void
test_what_can_be_cured_runs_again(void)
{
	struct transfer_result result = response(500);
	struct scene scene;

	scene_init(&scene);
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_RETRY);
	/* The second failure of this budget: 5 s, doubled. */
	CHECK_INT(scene.task->settle.attempt.delay_ms, 10000);
	CHECK_INT(scene.task->settle.run_at, NOW + 10000);
	CHECK_INT(scene.task->settle.attempt.failure.type, ERROR_SERVER);
	CHECK_INT(scene.task->settle.endpoint_not_before, 0);
	scene_free(&scene);
}

static void
test_what_cannot_is_dead(void)
{
	struct transfer_result result = response(404);
	struct scene scene;

	scene_init(&scene);
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_DEAD);
	CHECK_INT(scene.task->settle.dead, DEAD_NON_RETRYABLE);
	CHECK_INT(scene.task->settle.attempt.outcome, ATTEMPT_DEAD);
	scene_free(&scene);
}

static void
check_not_before(int status, int64_t wanted)
{
	struct transfer_result result = response(status);
	struct response_facts facts = {.retry_after = "120"};
	struct scene scene;

	scene_init(&scene);
	result.facts = &facts;
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.endpoint_not_before, wanted);
	scene_free(&scene);
}

static void
test_retry_after_speaks_for_the_endpoint_with_429_and_503(void)
{
	check_not_before(429, NOW + 120000);
	check_not_before(503, NOW + 120000);
	check_not_before(500, 0);
}

static void
test_retry_after_at_the_end_of_time_is_for_ever(void)
{
	struct transfer_result result = response(503);
	struct response_facts facts = {.retry_after = "120"};
	struct scene scene;

	scene_init(&scene);
	result.facts = &facts;
	judge_transfer(&scene.judge, scene.task, &result, INT64_MAX - 1);
	CHECK_INT(scene.task->settle.endpoint_not_before, INT64_MAX);
	CHECK_INT(scene.task->settle.run_at, INT64_MAX);
	scene_free(&scene);
}

static void
test_what_cannot_be_sent_is_a_validation_error(void)
{
	struct scene scene;
	struct err why;

	scene_init(&scene);
	err_set(&why, ERR_DATA, "endpoint \"acme\" is not in the configuration");
	judge_refusal(&scene.judge, scene.task, &why, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_DEAD);
	CHECK_INT(scene.task->settle.attempt.failure.type, ERROR_VALIDATION);
	CHECK_SPAN(scene.task->settle.attempt.failure.reason, why.text);
	CHECK_INT(scene.task->settle.attempt.phases.total_us, -1);
	scene_free(&scene);
}

static struct refused
loopback(void)
{
	return (struct refused){
		.what = "a loopback address",
		.addresses = {{.bytes = {127, 0, 0, 1}, .family = 4}},
		.count = 1,
	};
}

static void
test_an_address_that_was_passed_over_is_told_of(void)
{
	struct transfer_result result = response(0);
	struct scene scene;
	struct span reason;

	scene_init(&scene);
	result.curl_code = 7;
	result.refused = loopback();
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_RETRY);
	reason = scene.task->settle.attempt.failure.reason;
	CHECK(strstr(reason.ptr, "; 127.0.0.1 was passed over as a loopback") != NULL);
	CHECK_INT(strlen(reason.ptr), (int64_t)reason.len);
	scene_free(&scene);
}

static void
test_a_blocked_address_is_the_end_whatever_the_policy(void)
{
	struct transfer_result result = response(0);
	struct scene scene;
	const struct attempt *attempt;

	scene_init(&scene);
	result.curl_code = 7;
	result.blocked = true;
	result.refused = loopback();
	scene.policy.types[ERROR_VALIDATION].retryable = true;
	scene.policy.types[ERROR_VALIDATION].max_retries = 9;
	judge_transfer(&scene.judge, scene.task, &result, NOW);
	CHECK_INT(scene.task->settle.outcome, SETTLE_DEAD);
	CHECK_INT(scene.task->settle.dead, DEAD_BLOCKED_ADDRESS);
	attempt = &scene.task->settle.attempt;
	CHECK_INT(attempt->outcome, ATTEMPT_DEAD);
	CHECK_INT(attempt->failure.type, ERROR_VALIDATION);
	CHECK_SPAN(attempt->failure.rule, "blocked-address");
	CHECK(span_starts(attempt->failure.reason, "127.0.0.1 is a loopback address; "));
	CHECK(strstr(attempt->failure.reason.ptr, "--allow-net 127.0.0.1 ") != NULL);
	scene_free(&scene);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_2xx_is_a_delivery),
		TAP(test_2xx_that_broke_off_is_a_transport_failure),
		TAP(test_what_can_be_cured_runs_again),
		TAP(test_what_cannot_is_dead),
		TAP(test_retry_after_speaks_for_the_endpoint_with_429_and_503),
		TAP(test_retry_after_at_the_end_of_time_is_for_ever),
		TAP(test_what_cannot_be_sent_is_a_validation_error),
		TAP(test_an_address_that_was_passed_over_is_told_of),
		TAP(test_a_blocked_address_is_the_end_whatever_the_policy),
		{0},
	});
}
