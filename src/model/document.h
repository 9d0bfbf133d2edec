/* SPDX-License-Identifier: MIT */
/*
 * Reading a document that people write: a tree of known members, each with its type, and
 * errors that say where: "line 7: endpoints.acme.timeout: reason".
 *
 * A node knows its parent, so that the path of an error needs no memory of its own. Nodes
 * live on the stack of the functions that read them.
 */
#ifndef MODEL_DOCUMENT_H
#define MODEL_DOCUMENT_H

#include "base/arena.h"
#include "model/json.h"

struct node {
	const struct node *parent; /* NULL: the document itself */
	const char *text;          /* where the document starts */
	struct span name;          /* absent: an item of a list */
	size_t index;              /* of the item */
	struct json value;
	const struct node_member *member; /* the entry of the table that it fits */
};

typedef int node_reader(void *target, const struct node *node, struct err *err);

/* A member that is known, what reads it into the target, and for the readers below where
 * in the target it goes and between which bounds. */
struct node_member {
	const char *name; /* NULL ends a table; at most NODE_MEMBERS_MAX */
	node_reader *read;
	size_t offset;
	int64_t from, to;
};

enum { NODE_MEMBERS_MAX = 32 };

/* The document's own node. ERR_CONFIG if it is not JSON, "line N: reason". */
int document_open(struct node *root, struct span text, struct err *err);

/*
 * Reads every member by the table, in the order of the table: an entry can rely on those
 * above it. ERR_CONFIG for anything but an object, a name that the table does not have,
 * and a name that comes twice.
 */
int node_read(const struct node *node, const struct node_member *members, void *target,
	struct err *err);

/* ERR_CONFIG if the object has no such member. */
int node_require(const struct node *node, const char *name, struct err *err);

/* Reads every member of an object whose names are free, or every item of a list. */
int node_read_each(const struct node *node, enum json_type type, node_reader *read,
	void *target, struct err *err);

/* ERR_CONFIG at this node; returns -1. */
int node_error(const struct node *node, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, for an error that has its reason already. */
int node_blame(const struct node *node, struct err *err);

/* A string, copied to the arena with a NUL behind it. ERR_CONFIG at this node. */
int node_text(
	const struct node *node, struct arena *arena, struct span *text, struct err *err);

/* A string, copied with a NUL behind it; ERR_CONFIG too if it does not fit. */
int node_copy(const struct node *node, char *text, size_t size, struct err *err);

/* "90s" in milliseconds. ERR_CONFIG at this node. */
int node_duration(const struct node *node, int64_t *ms, struct err *err);

/* For tables: a bool, an int, an int64_t, milliseconds in an int64_t, bytes in a size_t,
 * a char[to] that may not stay empty. */
node_reader node_read_bool, node_read_int, node_read_int64, node_read_duration,
	node_read_size, node_read_text;

/* "16MiB", "1KiB", "4096". ERR_DATA. */
int size_parse(struct span text, size_t *bytes, struct err *err);

#endif
