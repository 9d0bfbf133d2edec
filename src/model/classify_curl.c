/* SPDX-License-Identifier: MIT */
/*
 * Exit codes of curl, which are libcurl's CURLE_* numbers.
 */
#include "model/classify_internal.h"

#include <stdio.h>

static const struct {
	int code;
	enum says says;
	const char *words;
} EXIT_CODES[] = {
	{1, SAYS_VALIDATION, "unsupported protocol in the URL"},
	{2, SAYS_UNKNOWN, "curl failed to start"},
	{3, SAYS_VALIDATION, "malformed URL"},
	{4, SAYS_VALIDATION, "feature not built into curl"},
	{5, SAYS_NETWORK, "proxy name not found"},
	{6, SAYS_NETWORK, "host name not found"},
	{7, SAYS_NETWORK, "connection failed"},
	{8, SAYS_NETWORK, "the server's reply made no sense"},
	{9, SAYS_CLIENT, "access denied"},
	{10, SAYS_NETWORK, "FTP accept failed"},
	{12, SAYS_NETWORK, "FTP accept timed out"},
	{15, SAYS_NETWORK, "host name not found"},
	{16, SAYS_NETWORK, "HTTP/2 framing failed"},
	{18, SAYS_NETWORK, "the response was cut short"},
	{19, SAYS_CLIENT, "file not found"},
	{22, SAYS_CLIENT, "the server answered with an error"},
	{23, SAYS_UNKNOWN, "the response could not be written"},
	{25, SAYS_CLIENT, "upload refused"},
	{26, SAYS_UNKNOWN, "the request body could not be read"},
	{27, SAYS_UNKNOWN, "out of memory"},
	{28, SAYS_NETWORK, "timed out"},
	{33, SAYS_CLIENT, "range refused"},
	{34, SAYS_NETWORK, "posting failed"},
	{36, SAYS_NETWORK, "resuming failed"},
	{37, SAYS_UNKNOWN, "the file could not be read"},
	{42, SAYS_UNKNOWN, "cancelled by the caller"},
	{43, SAYS_VALIDATION, "curl was called wrongly"},
	{45, SAYS_NETWORK, "the network interface failed"},
	{47, SAYS_CLIENT, "too many redirects"},
	{48, SAYS_VALIDATION, "curl was called wrongly"},
	{49, SAYS_VALIDATION, "curl was called wrongly"},
	{51, SAYS_NETWORK_FINAL, "certificate is for another host"},
	{52, SAYS_NETWORK, "empty reply"},
	{53, SAYS_NETWORK_FINAL, "crypto engine not found"},
	{54, SAYS_NETWORK_FINAL, "crypto engine failed"},
	{55, SAYS_NETWORK, "sending failed"},
	{56, SAYS_NETWORK, "receiving failed"},
	{58, SAYS_NETWORK_FINAL, "the client certificate is unusable"},
	{59, SAYS_NETWORK_FINAL, "the cipher is unusable"},
	{60, SAYS_NETWORK_FINAL, "certificate verification failed"},
	{61, SAYS_NETWORK, "the response encoding is broken"},
	{63, SAYS_CLIENT, "the response is larger than allowed"},
	{64, SAYS_NETWORK_FINAL, "TLS is required and not offered"},
	{65, SAYS_NETWORK, "the body could not be sent again"},
	{66, SAYS_NETWORK_FINAL, "crypto engine failed"},
	{67, SAYS_CLIENT, "login denied"},
	{68, SAYS_CLIENT, "not found"},
	{77, SAYS_NETWORK_FINAL, "the CA certificates cannot be read"},
	{78, SAYS_CLIENT, "not found"},
	{80, SAYS_NETWORK, "TLS shutdown failed"},
	{81, SAYS_NETWORK, "the socket is not ready"},
	{82, SAYS_NETWORK_FINAL, "the revocation list cannot be read"},
	{83, SAYS_NETWORK_FINAL, "certificate issuer check failed"},
	{88, SAYS_NETWORK, "chunk callback failed"},
	{89, SAYS_NETWORK, "no connection available"},
	{90, SAYS_NETWORK_FINAL, "the pinned public key does not match"},
	{91, SAYS_NETWORK_FINAL, "invalid certificate status"},
	{92, SAYS_NETWORK, "HTTP/2 stream failed"},
	{94, SAYS_CLIENT, "authentication failed"},
	{95, SAYS_NETWORK, "HTTP/3 failed"},
	{96, SAYS_NETWORK, "QUIC connection failed"},
	{97, SAYS_NETWORK, "proxy handshake failed"},
	{98, SAYS_NETWORK_FINAL, "a client certificate is required"},
	{99, SAYS_NETWORK, "waiting for the socket failed"},
	{100, SAYS_CLIENT, "a value is too large"},
	{101, SAYS_NETWORK_FINAL, "encrypted client hello is required"},
};

enum { CURL_UNSUPPORTED = 1, CURL_TLS_CONNECT = 35 };

/* A handshake that was refused will be refused again; one that was cut off may not. */
static bool
handshake_was_refused(struct span message)
{
	static const char *const refusals[] = {"alert", "version", "wrong version number",
		"unsupported protocol", "no protocols available", "handshake failure",
		"cipher", "certificate", "unknown ca", "packet length too long",
		"http request", "unsafe legacy renegotiation disabled",
		"dh key too small", "key too small", "unrecognized name",
		"inappropriate fallback", "no application protocol"};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (text_has_words(message, refusals[i]))
			return true;
	return false;
}

struct finding
curl_judge(int64_t exit_code, struct span message)
{
	char key[24];
	int len = snprintf(key, sizeof(key), "%lld", (long long)exit_code);
	struct span number = {key, (size_t)len};

	if (exit_code == CURL_TLS_CONNECT)
		return handshake_was_refused(message)
			? finding_make(WEIGHT_CODE, SAYS_NETWORK_FINAL, "curl", number,
				  "TLS handshake refused")
			: finding_make(WEIGHT_CODE, SAYS_NETWORK, "curl", number,
				  "TLS handshake broken off");
	/* An answer that is no HTTP/1 is reported as an unsupported protocol, too. */
	if (exit_code == CURL_UNSUPPORTED &&
		(text_has_words(message, "received http") ||
			text_has_words(message, "in response") ||
			text_has_words(message, "in http response")))
		return finding_make(WEIGHT_CODE, SAYS_NETWORK, "curl", number,
			"the answer was not HTTP");
	for (size_t i = 0; i < sizeof(EXIT_CODES) / sizeof(EXIT_CODES[0]); i++)
		if (EXIT_CODES[i].code == exit_code)
			return finding_make(WEIGHT_CODE, EXIT_CODES[i].says, "curl",
				number, EXIT_CODES[i].words);
	if (exit_code > 0 && exit_code < 200)
		return finding_make(
			WEIGHT_CODE, SAYS_UNKNOWN, "curl", number, "curl failed");
	return (struct finding){0};
}
