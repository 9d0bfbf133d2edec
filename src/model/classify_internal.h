/* SPDX-License-Identifier: MIT */
/*
 * How the parts of the classifier speak to each other: every piece of evidence is turned
 * into a finding, and the heaviest finding decides.
 */
#ifndef MODEL_CLASSIFY_INTERNAL_H
#define MODEL_CLASSIFY_INTERNAL_H

#include "model/classify.h"
#include "model/members.h"

/* What a piece of evidence says. FINAL: trying again cannot help, whatever the type. */
enum says {
	SAYS_NOTHING = 0,
	SAYS_NETWORK,
	SAYS_NETWORK_FINAL,
	SAYS_RATE_LIMIT,
	SAYS_SERVER,
	SAYS_DATABASE,
	SAYS_DATABASE_FINAL,
	SAYS_CLIENT,
	SAYS_SIGNATURE,
	SAYS_VALIDATION,
	SAYS_UNKNOWN,
	SAYS_COUNT,
	SAYS_VAGUE = 32, /* added in a table: many different failures share the key */
};

/* How much it counts, lightest first. */
enum weight {
	WEIGHT_NONE = 0,
	WEIGHT_HINT,       /* a class name that many failures share: OperationalError */
	WEIGHT_VAGUE_CODE, /* a code that many failures share: ERR_NETWORK, HY000 */
	WEIGHT_TEXT,       /* the words of a message */
	WEIGHT_TEXT_CODE,  /* a code inside a message: "[Errno 111]", "status code 503" */
	WEIGHT_TEXT_NAME,  /* a class name that heads a message: "ValidationError: …" */
	WEIGHT_NAME,
	WEIGHT_CODE,
	WEIGHT_STATUS,
	WEIGHT_OPERATOR,
};

struct finding {
	enum weight weight;
	enum says says;
	int depth;  /* of the cause it was found at; the deeper one of equals wins */
	int status; /* the HTTP status it rests on; 0: none */
	char rule[CLASSIFY_RULE_SIZE];
	char reason[CLASSIFY_REASON_SIZE];
};

/* Keeps the heavier of the two in *best. */
void finding_take(struct finding *best, const struct finding *other);

/* An entry of a table of knowledge, sorted by key with ASCII case ignored. */
struct known {
	const char *key;
	int says; /* enum says, and SAYS_VAGUE */
	const char *words;
};

struct known_table {
	const struct known *entries;
	size_t len;
};

#define KNOWN_TABLE(entries)                                                             \
	((struct known_table){(entries), sizeof(entries) / sizeof((entries)[0])})

const struct known *known_find(struct known_table table, struct span key);
bool known_table_is_sorted(struct known_table table);

/* For the test that they can be searched. */
bool code_tables_are_sorted(void);
bool database_tables_are_sorted(void);
bool name_tables_are_sorted(void);
bool phrases_are_sorted(void);

/* "connection refused (ECONNREFUSED)" under the rule "<family>-<key>". */
struct finding finding_make(enum weight weight, enum says says, const char *family,
	struct span key, const char *words);

/* The same from a table; vague entries get vague_weight. Nothing if known is NULL. */
struct finding finding_of_known(const struct known *known, const char *family,
	enum weight weight, enum weight vague_weight);

/*
 * Codes. Each finds nothing (WEIGHT_NONE) in what it does not know. A code found inside a
 * text has WEIGHT_CODE here too; the reader of the text makes it lighter.
 */
struct finding code_judge(struct span code); /* ECONNRESET, P2034, 40P01, … */
struct finding network_code_judge(struct span code);
struct finding database_code_judge(struct span code);
struct finding errno_judge(int64_t number); /* Linux, negative as libuv has it, WSA */
struct finding sqlstate_judge(struct span code);
struct finding mysql_judge(int64_t number);
struct finding mongo_judge(int64_t number);
struct finding sqlserver_judge(int64_t number);
struct finding oracle_judge(int64_t number);
struct finding db2_judge(int64_t number); /* without its minus sign */
struct finding amqp_judge(int64_t number);
struct finding grpc_judge(int64_t number);
struct finding grpc_name_judge(struct span name);
struct finding redis_judge(struct span message); /* by its first word */
struct finding curl_judge(int64_t exit_code, struct span message);

/* Class names, qualified in any language's way. */
struct finding name_judge(struct span name);

/* The words of a message. */
struct finding text_judge(struct span message);

/* Lower case, one space between words. clear_only: single vague words do not count. */
struct finding phrases_judge(const char *words, bool clear_only);
struct finding embedded_judge(struct span line); /* codes inside a message */

/* The length of a URL or path that starts at `at`; 0 if none does. */
size_t text_skip_reference(struct span text, size_t at);

struct finding status_judge(int status, const struct response_facts *facts, int64_t now);

/* Whether the code is one that services give a throttled request whatever its status. */
bool code_is_throttling(struct span code);

const char *status_phrase(int status);  /* "Service Unavailable"; NULL: no name */
int status_of_phrase(struct span text); /* 0: it is none */

/* An error object, or one of its causes. */
struct layer {
	struct json error;
	int depth;
};

enum { LAYERS_MAX = 24, LAYER_DEPTH_MAX = 10 };

/* A report taken apart: the error and its causes, outermost first, and the response. */
struct evidence {
	struct members report;
	size_t layer_count;
	struct layer layers[LAYERS_MAX];
	int status;    /* of the first failed response; 0: none */
	bool answered; /* a response without a failure status came */
	struct response_facts facts;
};

void evidence_gather(struct evidence *evidence, struct json report);

/* Fills in the category and the numbers, by the type and whether it is retryable. */
void classification_conclude(const struct policy *policy, struct classification *result);

/* The heaviest finding of one layer. */
struct finding layer_judge(const struct layer *layer);

/* The members that hold a layer's class name and message; JSON_ABSENT if none. */
struct json layer_name(const struct members *error);
struct json layer_message(const struct members *error);

/* Copies a JSON string's or number's text, cut to the size, and returns it. */
struct span json_copy(struct json value, char *text, size_t size);

/*
 * Of a very long message only the ends are read. They are put into text[MESSAGE_ROOM],
 * next to each other: classification needs no memory, and so cannot be short of it.
 */
enum {
	MESSAGE_HEAD = 4096,
	MESSAGE_TAIL = 2048,
	MESSAGE_ROOM = MESSAGE_HEAD + 2 * MESSAGE_TAIL
};

struct span message_ends(struct json message, char *text);

/* Whether the words of `phrase` stand in the message, next to each other. */
bool text_has_words(struct span message, const char *phrase);

/* What an operator's rule sees. */
struct rule_subject {
	int status;
	const struct layer *layers;
	size_t layer_count;
	struct span message; /* where there are no layers */
	struct span endpoint;
	struct span event_type;
};

const struct match_rule *policy_match(
	const struct policy *policy, const struct rule_subject *subject);

#endif
