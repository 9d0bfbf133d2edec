/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include "work/sandbox.h"

#include <stdlib.h>

enum { PATH_BYTES_MAX = 4096 };

/* Where OpenSSL looks for more than its built-in places. */
static void
allow_environment(struct sandbox *sandbox)
{
	static const char *const variables[] = {
		"OPENSSL_CONF", "SSL_CERT_FILE", "SSL_CERT_DIR"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *path = getenv(variables[i]);

		if (path != NULL)
			sandbox_allow_reading(sandbox, path);
	}
}

static void
allow_headers(struct sandbox *sandbox, const struct endpoint_config *endpoint)
{
	for (size_t i = 0; i < endpoint->header_count; i++)
		if (span_present(endpoint->headers[i].file))
			sandbox_allow_reading(sandbox, endpoint->headers[i].file.ptr);
}

/* They are read again at each SIGHUP. */
static void
allow_settings(struct sandbox *sandbox, const struct config *config,
	const struct worker_args *args)
{
	struct map_entry *entry;
	size_t cursor = 0;

	if (args->common.config != NULL)
		sandbox_allow_reading(sandbox, args->common.config);
	if (args->policy.policy != NULL)
		sandbox_allow_reading(sandbox, args->policy.policy);
	for (const struct config_file *file = config->tls_files; file != NULL;
		file = file->next)
		sandbox_allow_reading(sandbox, file->path);
	while ((entry = map_next(&config->endpoints, &cursor)) != NULL)
		allow_headers(sandbox, entry->value);
}

static int
allow_store(struct sandbox *sandbox, const struct cli_common *common, struct err *err)
{
	struct buf path;
	int result;

	buf_init(&path, PATH_BYTES_MAX);
	result = cli_store_path(common, &path, err);
	if (result == 0)
		sandbox_allow_writing(sandbox, buf_span(&path).ptr);
	buf_free(&path);
	return result;
}

static int
enter(struct cli *cli, struct sandbox *sandbox, bool require, struct err *err)
{
	if (sandbox_enter(sandbox, err) == 0)
		return 0;
	if (require)
		return -1;
	/* Kernels without Landlock are many, without seccomp there is hardly one. */
	if (!sandbox->calls_filtered)
		cli_warn(cli, "%s; see --sandbox", err->text);
	return 0;
}

int
settings_confine(struct cli *cli, const struct config *config,
	const struct worker_args *args, struct err *err)
{
	struct sandbox sandbox;
	int result;

	if (args->sandbox == SANDBOX_OFF)
		return 0;
	sandbox_init(&sandbox);
	allow_settings(&sandbox, config, args);
	allow_environment(&sandbox);
	result = allow_store(&sandbox, &args->common, err);
	if (result == 0)
		result = enter(cli, &sandbox, args->sandbox == SANDBOX_REQUIRE, err);
	sandbox_free(&sandbox);
	return result;
}
