/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 128 * 1024 };

void
input_init(struct input *input, int fd, size_t max_line)
{
	*input = (struct input){.fd = fd};
	buf_init(&input->buffer, max_line + READ_SIZE);
}

void
input_free(struct input *input)
{
	buf_free(&input->buffer);
}

static size_t
max_line(const struct input *input)
{
	return input->buffer.max - READ_SIZE;
}

static size_t
unread(const struct input *input)
{
	return input->buffer.len - input->consumed;
}

/* Moves what is unread to the front, and nothing of a line that is being skipped. */
static void
compact(struct input *input)
{
	size_t keep = input->skipping ? 0 : unread(input);

	if (keep > 0)
		memmove(input->buffer.data, input->buffer.data + input->consumed, keep);
	input->buffer.len = keep;
	input->consumed = 0;
	input->scanned = keep;
}

/* After a read that failed: an interrupted one, or a descriptor that does not block. */
static bool
may_read_again(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	if (errno == EAGAIN)
		poll(&readable, 1, -1);
	return errno == EINTR || errno == EAGAIN;
}

/* One read; false at the end and on failure. */
static bool
fill(struct input *input)
{
	char *room;
	ssize_t got;

	compact(input);
	room = buf_reserve(&input->buffer, READ_SIZE);
	if (room == NULL) {
		input->failed = ENOMEM;
		return false;
	}
	do
		got = read(input->fd, room, READ_SIZE);
	while (got < 0 && may_read_again(input->fd));
	if (got < 0)
		input->failed = errno;
	else if (got == 0)
		input->at_end = true;
	else
		input->buffer.len += (size_t)got;
	return got > 0;
}

/* The place of the next newline behind `consumed`, or NULL; never looks twice. */
static const char *
find_newline(struct input *input)
{
	const char *newline = NULL;

	if (input->scanned < input->buffer.len)
		newline = memchr(input->buffer.data + input->scanned, '\n',
			input->buffer.len - input->scanned);
	input->scanned = newline == NULL ? input->buffer.len
					 : (size_t)(newline - input->buffer.data);
	return newline;
}

/* A line that outgrew its bound is dropped as it comes in. */
static void
bound_line(struct input *input)
{
	if (unread(input) > max_line(input))
		input->skipping = true;
}

static void
drop_byte_order_mark(struct span *line)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (span_starts(*line, mark)) {
		line->ptr += strlen(mark);
		line->len -= strlen(mark);
	}
}

/* Takes the line up to `end`; the newline behind it is `skip` bytes long. */
static enum input_result
take_line(struct input *input, size_t end, size_t skip, struct span *line)
{
	bool too_long = input->skipping || end - input->consumed > max_line(input);

	*line = (struct span){
		input->buffer.data + input->consumed, end - input->consumed};
	input->consumed = end + skip;
	input->scanned = input->consumed;
	input->skipping = false;
	input->line++;
	if (too_long)
		return INPUT_TOO_LONG;
	if (line->len > 0 && line->ptr[line->len - 1] == '\r')
		line->len--;
	if (input->line == 1)
		drop_byte_order_mark(line);
	return INPUT_LINE;
}

static enum input_result
next_line(struct input *input, struct span *line, struct err *err)
{
	const char *newline;

	while ((newline = find_newline(input)) == NULL) {
		bound_line(input);
		if (input->failed == 0 && !input->at_end && fill(input))
			continue;
		if (input->failed != 0) {
			errno = input->failed;
			err_errno(err, "read");
			return INPUT_FAILED;
		}
		if (unread(input) == 0 && !input->skipping)
			return INPUT_END;
		return take_line(input, input->buffer.len, 0, line);
	}
	return take_line(input, (size_t)(newline - input->buffer.data), 1, line);
}

enum input_result
input_line(struct input *input, struct span *line, struct err *err)
{
	enum input_result result;

	do
		result = next_line(input, line, err);
	while (result == INPUT_LINE && line->len == 0);
	return result;
}

bool
input_ready(struct input *input)
{
	struct pollfd readable = {.fd = input->fd, .events = POLLIN};

	while (find_newline(input) == NULL && !input->at_end && input->failed == 0) {
		bound_line(input);
		if (poll(&readable, 1, 0) <= 0)
			return false;
		fill(input);
	}
	return true;
}

int
input_all(int fd, struct buf *all, struct err *err)
{
	for (;;) {
		char chunk[16 * 1024];
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && may_read_again(fd))
			continue;
		if (got < 0)
			return err_errno(err, "read");
		if (got == 0)
			return 0;
		buf_add(all, chunk, (size_t)got);
		if (buf_check(all, err) != 0)
			return -1;
	}
}

int
file_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		close(fd);
		return err_set(err, ERR_NO_INPUT, "%s: is a directory", path);
	}
	return fd;
}

int
file_open_trusted(const char *path, trust_check *check, struct err *err)
{
	int fd = file_open(path, err);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) != 0)
		err_errno(err, "%s", path);
	else if (check(&status, path, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int
file_read_trusted(
	const char *path, trust_check *check, struct buf *content, struct err *err)
{
	int fd = file_open_trusted(path, check, err);
	int result;

	if (fd < 0)
		return -1;
	result = input_all(fd, content, err);
	close(fd);
	return result == 0 ? 0 : err_context(err, "%s", path);
}
