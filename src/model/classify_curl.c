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

enum {
	CURL_UNSUPPORTED = 1,
	CURL_TLS_CONNECT = 35,
	CURL_SEND = 55,
	CURL_RECEIVE = 56,
	CURL_CERTIFICATE = 60,
};

/* What a message of OpenSSL, GnuTLS or curl itself says about a certificate. */
static const struct {
	const char *phrase;
	const char *words;
} CERTIFICATE_FAULTS[] = {
	{"certificate has expired", "certificate has expired"},
	{"certificate is not yet valid", "certificate is not yet valid"},
	{"self signed certificate", "self-signed certificate"},
	{"self-signed certificate", "self-signed certificate"},
	{"unable to get local issuer certificate", "certificate authority is unknown"},
	{"unable to verify the first certificate", "certificate authority is unknown"},
	{"no alternative certificate subject name", "certificate is for another host"},
	{"does not match target host name", "certificate is for another host"},
	{"key too weak", "certificate is too weak"},
	{"digest algorithm too weak", "certificate is too weak"},
	{"certificate revoked", "certificate is revoked"},
};

static const char *
certificate_fault(struct span message)
{
	size_t count = sizeof(CERTIFICATE_FAULTS) / sizeof(CERTIFICATE_FAULTS[0]);

	for (size_t i = 0; i < count; i++)
		if (text_has_words(message, CERTIFICATE_FAULTS[i].phrase))
			return CERTIFICATE_FAULTS[i].words;
	return "certificate verification failed";
}

/* With TLS 1.3 a server judges our certificate when the handshake is over for us. */
static bool
certificate_was_refused(struct span message)
{
	static const char *const alerts[] = {"alert certificate required",
		"alert bad certificate", "alert unknown ca", "alert certificate expired",
		"alert certificate revoked", "alert certificate unknown",
		"alert unsupported certificate", "alert access denied"};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (text_has_words(message, alerts[i]))
			return true;
	return false;
}

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

/* An answer that is no HTTP/1 is reported as an unsupported protocol, too. */
static bool
answer_was_no_http(struct span message)
{
	return text_has_words(message, "received http") ||
		text_has_words(message, "in response") ||
		text_has_words(message, "in http response");
}

static struct finding
judge_handshake(struct span number, struct span message)
{
	return handshake_was_refused(message)
		? finding_make(WEIGHT_CODE, SAYS_NETWORK_FINAL, "curl", number,
			  "TLS handshake refused")
		: finding_make(WEIGHT_CODE, SAYS_NETWORK, "curl", number,
			  "TLS handshake broken off");
}

/* The codes of which the message says more than the table. */
static bool
judge_by_message(int64_t exit_code, struct span number, struct span message,
	struct finding *finding)
{
	switch (exit_code) {
	case CURL_TLS_CONNECT:
		*finding = judge_handshake(number, message);
		return true;
	case CURL_CERTIFICATE:
		*finding = finding_make(WEIGHT_CODE, SAYS_NETWORK_FINAL, "curl", number,
			certificate_fault(message));
		return true;
	case CURL_SEND:
	case CURL_RECEIVE:
		if (!certificate_was_refused(message))
			return false;
		*finding = finding_make(WEIGHT_CODE, SAYS_NETWORK_FINAL, "curl", number,
			"our client certificate was refused");
		return true;
	case CURL_UNSUPPORTED:
		if (!answer_was_no_http(message))
			return false;
		*finding = finding_make(WEIGHT_CODE, SAYS_NETWORK, "curl", number,
			"the answer was not HTTP");
		return true;
	default:
		return false;
	}
}

struct finding
curl_judge(int64_t exit_code, struct span message)
{
	char key[24];
	int len = snprintf(key, sizeof(key), "%lld", (long long)exit_code);
	struct span number = {key, (size_t)len};
	struct finding finding;

	if (judge_by_message(exit_code, number, message, &finding))
		return finding;
	for (size_t i = 0; i < sizeof(EXIT_CODES) / sizeof(EXIT_CODES[0]); i++)
		if (EXIT_CODES[i].code == exit_code)
			return finding_make(WEIGHT_CODE, EXIT_CODES[i].says, "curl",
				number, EXIT_CODES[i].words);
	if (exit_code > 0 && exit_code < 200)
		return finding_make(
			WEIGHT_CODE, SAYS_UNKNOWN, "curl", number, "curl failed");
	return (struct finding){0};
}
