/* SPDX-License-Identifier: MIT */
#include "cmd/whenqueue/enqueue.h"

#include "model/redact.h"
#include "model/url.h"

#include <stdio.h>
#include <string.h>

/* "member: reason" becomes "--option: reason". */
static int
blame_option(struct err *err, const char *option)
{
	char reason[ERR_TEXT_MAX];
	const char *colon = strstr(err->text, ": ");

	snprintf(reason, sizeof(reason), "%s", colon == NULL ? err->text : colon + 2);
	return err_set(err, ERR_USAGE, "--%s: %s", option, reason);
}

/* As headers_take() does: what we use from now on is a copy. */
static int
hide_url(struct defaults *defaults, struct cli *cli, const char *given, struct err *err)
{
	struct span *url = &defaults->record.request.url;
	char *parameters = (char *)given + strcspn(given, "?;#");

	if (*parameters == '\0' || !url_holds_secret(*url))
		return 0;
	if (arena_copy(&defaults->arena, *url, url, err) != 0)
		return -1;
	cli_warn(cli,
		"--url: others can read a command line, and a secret in it; give the URL "
		"in a record");
	memset(parameters + 1, '*', strlen(parameters + 1));
	return 0;
}

static int
take_target(struct defaults *defaults, struct cli *cli, const struct enqueue_args *args,
	struct err *err)
{
	struct record *record = &defaults->record;

	record->request.url = span_of(args->url);
	record->endpoint = span_of(args->endpoint);
	if (args->url != NULL && url_check(record->request.url, err) != 0)
		return blame_option(err, "url");
	if (args->url != NULL && hide_url(defaults, cli, args->url, err) != 0)
		return -1;
	if (args->endpoint != NULL && endpoint_name_check(record->endpoint, err) != 0)
		return blame_option(err, "endpoint");
	return 0;
}

static int
take_names(struct record *record, const struct enqueue_args *args, struct err *err)
{
	record->id = span_of(args->id);
	record->event_type = span_of(args->event_type);
	record->request.method = span_of(args->method);
	if (args->id != NULL && !event_id_valid(record->id))
		return err_set(
			err, ERR_USAGE, "--id: not 1 to 256 bytes of printable text");
	if (args->event_type != NULL && event_type_check(record->event_type, err) != 0)
		return blame_option(err, "event-type");
	if (args->method != NULL && method_check(record->request.method, err) != 0)
		return blame_option(err, "method");
	return 0;
}

static int
take_order(struct record *record, const struct enqueue_args *args, struct err *err)
{
	record->ordering_key = span_of(args->ordering_key);
	if (args->ordering_key == NULL)
		return 0;
	if (args->ordered)
		return err_set(err, ERR_USAGE,
			"--ordering-key: --ordered is there too; give one");
	if (!ordering_key_valid(record->ordering_key))
		return err_set(err, ERR_USAGE,
			"--ordering-key: not 1 to 256 bytes of printable text");
	return 0;
}

static int
take_time(struct record *record, const struct enqueue_args *args, struct err *err)
{
	if (args->at != NULL && args->delay_ms >= 0)
		return err_set(err, ERR_USAGE, "--at: --delay is there too; give one");
	record->has_delay = args->delay_ms >= 0;
	record->delay_ms = args->delay_ms;
	if (args->delay_ms > DELAY_MAX_MS)
		return err_set(err, ERR_USAGE, "--delay: longer than ten years");
	record->has_run_at = args->at != NULL;
	if (args->at != NULL && time_parse(span_of(args->at), &record->run_at, err) != 0)
		return err_set(err, ERR_USAGE,
			"--at: '%s' is not a time like 2026-01-02T03:04:05Z; "
			"a time from now is --delay",
			args->at);
	return 0;
}

int
defaults_init(struct defaults *defaults, struct cli *cli, const struct enqueue_args *args,
	struct err *err)
{
	struct record *record = &defaults->record;

	*defaults = (struct defaults){0};
	record->priority = (int)args->priority;
	record->max_attempts = (int)args->max_attempts;
	if (take_target(defaults, cli, args, err) != 0 ||
		take_names(record, args, err) != 0 ||
		take_order(record, args, err) != 0 || take_time(record, args, err) != 0)
		return -1;
	return headers_take(
		cli, &args->headers, &defaults->arena, &record->request.headers, err);
}

void
defaults_free(struct defaults *defaults)
{
	arena_free(&defaults->arena);
}

static void
take_span(struct span *to, struct span from)
{
	if (!span_present(*to))
		*to = from;
}

/* A record that names its target in one way does not take the other from the options. */
static void
apply_target(struct record *record, const struct record *from)
{
	if (span_present(record->request.url) || span_present(record->endpoint))
		return;
	record->request.url = from->request.url;
	record->endpoint = from->endpoint;
}

static int
apply_id(struct defaults *defaults, struct record *record, struct err *err)
{
	if (span_present(record->id) || !span_present(defaults->record.id))
		return 0;
	if (defaults->id_taken)
		return err_set(err, ERR_DATA,
			"id: missing, and --id already names another record");
	record->id = defaults->record.id;
	defaults->id_taken = true;
	return 0;
}

int
defaults_apply(struct defaults *defaults, struct record *record, struct err *err)
{
	const struct record *from = &defaults->record;

	apply_target(record, from);
	take_span(&record->event_type, from->event_type);
	take_span(&record->ordering_key, from->ordering_key);
	take_span(&record->request.method, from->request.method);
	take_span(&record->request.headers, from->request.headers);
	if (!record->has_priority)
		record->priority = from->priority;
	if (record->max_attempts == 0)
		record->max_attempts = from->max_attempts;
	if (!record->has_run_at && !record->has_delay) {
		record->has_run_at = from->has_run_at;
		record->run_at = from->run_at;
		record->has_delay = from->has_delay;
		record->delay_ms = from->delay_ms;
	}
	return apply_id(defaults, record, err);
}
