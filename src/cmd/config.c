/* SPDX-License-Identifier: MIT */
#include "cmd/config.h"

#include "base/trust.h"
#include "cli/input.h"
#include "model/url.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
	CONFIG_BYTES_MAX = 16 * 1024 * 1024,
	SECRET_BYTES_MAX = 64 * 1024,
	TLS_BYTES_MAX = 4 * 1024 * 1024
};

const struct cli_option policy_options[] = {
	{.name = "policy",
		.kind = CLI_TEXT,
		.offset = offsetof(struct policy_args, policy),
		.argument = "FILE",
		.help = "retry policy: numbers, schedules and rules of your own",
		.environment = "WH_POLICY",
		.complete = COMPLETE_FILE},
	{0},
};

/* "etc/wh.conf" -> "etc"; NULL for a file right here. */
static int
directory_of(const char *path, struct buf *directory, struct err *err)
{
	const char *slash = strrchr(path, '/');

	if (slash == path)
		buf_add_char(directory, '/');
	else if (slash != NULL)
		buf_add(directory, path, (size_t)(slash - path));
	else
		buf_add_char(directory, '.');
	return buf_check(directory, err);
}

static int
load_document(struct config *config, const char *path, struct err *err)
{
	struct buf text, directory;
	int failed;

	buf_init(&text, CONFIG_BYTES_MAX);
	buf_init(&directory, CONFIG_BYTES_MAX);
	failed = file_read_trusted(path, trust_status, &text, err);
	if (!failed)
		failed = directory_of(path, &directory, err);
	if (!failed &&
		config_read(config, buf_span(&text), buf_span(&directory).ptr, err) != 0)
		failed = err_context(err, "%s", path);
	buf_free(&directory);
	buf_free(&text);
	return failed;
}

static int
load_policy(struct policy *policy, const char *path, struct err *err)
{
	struct buf text;
	int failed;

	buf_init(&text, CONFIG_BYTES_MAX);
	failed = file_read_trusted(path, trust_status, &text, err);
	if (!failed && policy_read(policy, buf_span(&text), err) != 0)
		failed = err_context(err, "%s", path);
	buf_free(&text);
	return failed;
}

int
config_load(struct config *config, const char *config_path, const char *policy_path,
	struct err *err)
{
	int failed = 0;

	config_init(config);
	if (config_path != NULL)
		failed = load_document(config, config_path, err);
	if (!failed && policy_path != NULL)
		failed = load_policy(&config->policy, policy_path, err);
	if (failed)
		config_free(config);
	return failed;
}

/* Without the newline that every editor leaves at the end. */
static struct span
without_newline(struct span text)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.ptr[text.len - 1] == '\r')
		text.len--;
	return text;
}

static int
read_secret(struct config *config, struct config_header *header, struct err *err)
{
	struct span value = {0};
	struct buf text;
	int failed;

	buf_init(&text, SECRET_BYTES_MAX);
	failed = file_read_trusted(header->file.ptr, trust_secret_status, &text, err);
	if (!failed) {
		value = without_newline(buf_span(&text));
		failed = header_check(header->name, value, err);
		if (failed)
			err_context(err, "%s", header->file.ptr);
	}
	if (!failed)
		failed = arena_copy(&config->arena, value, &header->value, err);
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	return failed;
}

static int
read_secrets(struct config *config, struct err *err)
{
	struct map_entry *entry;
	size_t cursor = 0;

	while ((entry = map_next(&config->endpoints, &cursor)) != NULL) {
		struct endpoint_config *endpoint = entry->value;

		for (size_t i = 0; i < endpoint->header_count; i++) {
			struct config_header *header = &endpoint->headers[i];

			if (span_present(header->file) &&
				read_secret(config, header, err) != 0)
				return err_context(err, "%s", header->place);
		}
	}
	return 0;
}

static int
read_tls_file(struct config *config, struct config_file *file, struct err *err)
{
	struct buf text;
	int failed;

	buf_init(&text, TLS_BYTES_MAX);
	failed = file_read_trusted(file->path,
		file->secret ? trust_secret_status : trust_status, &text, err);
	if (!failed)
		failed = arena_copy(&config->arena, buf_span(&text), &file->content, err);
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	return failed;
}

/* Whoever connects gets what was judged here: he does not open the names again. */
static int
read_tls_files(struct config *config, struct err *err)
{
	for (struct config_file *file = config->tls_files; file != NULL;
		file = file->next)
		if (read_tls_file(config, file, err) != 0)
			return err_context(err, "%s", file->place);
	return 0;
}

int
config_read_files(struct config *config, const char *config_path, struct err *err)
{
	if (read_secrets(config, err) == 0 && read_tls_files(config, err) == 0)
		return 0;
	/* Whoever named the file is to blame, or whoever may write to it. */
	if (err->kind != ERR_OS && err->kind != ERR_PERMISSION)
		err->kind = ERR_CONFIG;
	return err_context(err, "%s", config_path);
}

int
config_open_networks(struct config *config, const struct cli_list *lists, struct err *err)
{
	for (size_t i = 0; i < lists->count; i++)
		if (networks_add(&config->open, span_of(lists->items[i]), &config->arena,
			    err) != 0)
			return -1;
	return 0;
}
