/* SPDX-License-Identifier: MIT */
/*
 * The members of curl -w '%{json}', of all versions; "url" and "method" are left out,
 * since they are ours too.
 */
#include "model/record.h"

static const char *const VARIABLES[] = {"certs", "conn_id", "content_type",
	"curl_version", "errormsg", "exitcode", "filename_effective", "ftp_entry_path",
	"http_code", "http_connect", "http_version", "local_ip", "local_port",
	"num_certs", "num_connects", "num_headers", "num_redirects", "num_retries",
	"proxy_ssl_verify_result", "proxy_used", "redirect_url", "referer", "remote_ip",
	"remote_port", "response_code", "scheme", "size_delivered", "size_download",
	"size_header", "size_request", "size_upload", "speed_download", "speed_upload",
	"ssl_verify_result", "time_appconnect", "time_connect", "time_namelookup",
	"time_posttransfer", "time_pretransfer", "time_queue", "time_redirect",
	"time_starttransfer", "time_total", "tls_earlydata", "url.fragment", "url.host",
	"url.options", "url.password", "url.path", "url.port", "url.query", "url.scheme",
	"url.user", "url.zoneid", "url_effective", "urle.fragment", "urle.host",
	"urle.options", "urle.password", "urle.path", "urle.port", "urle.query",
	"urle.scheme", "urle.user", "urle.zoneid", "urlnum", "xfer_id"};

bool
record_is_curl_variable(struct span name)
{
	for (size_t i = 0; i < sizeof(VARIABLES) / sizeof(VARIABLES[0]); i++)
		if (span_is(name, VARIABLES[i]))
			return true;
	return false;
}
