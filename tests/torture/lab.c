/* SPDX-License-Identifier: MIT */
#include "lab.h"

#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUN_LIMIT_MS = 60000, OUTPUT_MAX = 16 * 1024 * 1024, LINE_MAX_BYTES = 64 * 1024 };

static void
give_up(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- files ----------------------------------------------------------------------- */

void
lab_path(const struct lab *lab, const char *name, char *path)
{
	snprintf(path, LAB_PATH_MAX, "%.120s/%.120s", lab->directory, name);
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void
lab_empty(const struct lab *lab, const char *name)
{
	char path[LAB_PATH_MAX];

	lab_path(lab, name, path);
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	if (mkdir(path, 0700) != 0)
		give_up(path);
}

static void
copy_file(int from_directory, int to_directory, const char *name)
{
	int from = openat(from_directory, name, O_RDONLY | O_CLOEXEC);
	int to = openat(
		to_directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char bytes[64 * 1024];
	ssize_t got;

	if (from < 0 || to < 0)
		give_up(name);
	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)got) != got)
			give_up(name);
	close(from);
	close(to);
}

void
lab_copy(const struct lab *lab, const char *from, const char *to)
{
	char from_path[LAB_PATH_MAX], to_path[LAB_PATH_MAX];
	struct dirent *entry;
	DIR *source;
	int target;

	lab_empty(lab, to);
	lab_path(lab, from, from_path);
	lab_path(lab, to, to_path);
	source = opendir(from_path);
	target = open(to_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source == NULL || target < 0)
		give_up(from_path);
	while ((entry = readdir(source)) != NULL)
		if (entry->d_type == DT_REG)
			copy_file(dirfd(source), target, entry->d_name);
	closedir(source);
	close(target);
}

static bool
same_file(int a_directory, int b_directory, const char *name)
{
	int a = openat(a_directory, name, O_RDONLY | O_CLOEXEC);
	int b = openat(b_directory, name, O_RDONLY | O_CLOEXEC);
	static char of_a[64 * 1024], of_b[64 * 1024];
	ssize_t got = 0;
	bool same = a >= 0 && b >= 0;

	while (same && (got = read(a, of_a, sizeof(of_a))) > 0)
		same = read(b, of_b, sizeof(of_b)) == got &&
			memcmp(of_a, of_b, (size_t)got) == 0;
	same = same && got == 0 && read(b, of_b, 1) == 0;
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return same;
}

static bool
counts(const char *name)
{
	size_t len = strlen(name);

	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		(len < 4 || strcmp(name + len - 4, "-shm") != 0);
}

/* How many entries of `path` count and are not the same in `other`. */
static int
count_others(const char *path, const char *other)
{
	DIR *directory = opendir(path);
	int other_fd = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int others = 0;

	if (directory == NULL || other_fd < 0)
		give_up(path);
	while ((entry = readdir(directory)) != NULL)
		if (counts(entry->d_name) &&
			(entry->d_type != DT_REG ||
				!same_file(dirfd(directory), other_fd, entry->d_name)))
			others++;
	closedir(directory);
	close(other_fd);
	return others;
}

bool
lab_is_copy(const struct lab *lab, const char *from, const char *copy)
{
	char from_path[LAB_PATH_MAX], copy_path[LAB_PATH_MAX];

	lab_path(lab, from, from_path);
	lab_path(lab, copy, copy_path);
	return count_others(copy_path, from_path) == 0 &&
		count_others(from_path, copy_path) == 0;
}

/* ---- programs -------------------------------------------------------------------- */

void
outcome_init(struct outcome *outcome)
{
	outcome->code = 0;
	buf_init(&outcome->out, OUTPUT_MAX);
	buf_init(&outcome->err, OUTPUT_MAX);
}

void
outcome_free(struct outcome *outcome)
{
	buf_free(&outcome->out);
	buf_free(&outcome->err);
}

static void
expand(const struct lab *lab, const char *text, struct buf *expanded)
{
	for (; text != NULL && *text != '\0'; text++)
		if (*text == '^')
			buf_add_text(expanded, lab->receiver_url);
		else if (*text == '~')
			buf_add_text(expanded, lab->receiver_port);
		else
			buf_add_char(expanded, *text);
}

static void
set_input(const struct lab *lab, const char *text)
{
	struct buf input;

	buf_init(&input, OUTPUT_MAX);
	expand(lab, text, &input);
	if (ftruncate(lab->in_fd, 0) != 0 || lseek(lab->in_fd, 0, SEEK_SET) != 0 ||
		write(lab->in_fd, buf_span(&input).ptr, input.len) !=
			(ssize_t)input.len ||
		lseek(lab->in_fd, 0, SEEK_SET) != 0)
		give_up("input");
	buf_free(&input);
}

/* Cuts the line into words, in place. */
static void
split(char *line, char **words)
{
	char *rest = line, *word;
	int count = 0;

	while (count < LAB_WORDS_MAX - 1 && (word = strsep(&rest, " ")) != NULL)
		words[count++] = word;
	words[count] = NULL;
}

static void
become(const struct lab *lab, const char *place, char **words,
	const char *const *environment)
{
	char program[2 * LAB_PATH_MAX];

	snprintf(program, sizeof(program), "%s/%s", lab->bin, words[0]);
	if (dup2(lab->in_fd, STDIN_FILENO) < 0 || dup2(lab->out_fd, STDOUT_FILENO) < 0 ||
		dup2(lab->err_fd, STDERR_FILENO) < 0 || chdir(lab->directory) != 0 ||
		chdir(place) != 0)
		_exit(126);
	for (; environment != NULL && *environment != NULL; environment++)
		putenv((char *)*environment);
	execv(program, words);
	_exit(127);
}

static int
wait_for(pid_t child)
{
	struct pollfd ended = {.events = POLLIN};
	int status, hung;

	ended.fd = (int)syscall(SYS_pidfd_open, child, 0);
	if (ended.fd < 0)
		give_up("pidfd_open");
	hung = poll(&ended, 1, RUN_LIMIT_MS) == 0;
	close(ended.fd);
	if (hung)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (hung)
		return LAB_HUNG;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
take_output(int fd, struct buf *output)
{
	struct stat status;
	char *room;

	buf_clear(output);
	if (fstat(fd, &status) != 0)
		give_up("output");
	room = buf_reserve(output, (size_t)status.st_size);
	if (room == NULL || pread(fd, room, (size_t)status.st_size, 0) != status.st_size)
		give_up("output");
	output->len = (size_t)status.st_size;
	output->data[output->len] = '\0';
}

void
lab_run(struct lab *lab, const char *place, const struct command *command,
	struct outcome *outcome)
{
	char *words[LAB_WORDS_MAX];
	struct buf line;
	pid_t child;

	buf_init(&line, LINE_MAX_BYTES);
	expand(lab, command->line, &line);
	if (buf_check(&line, NULL) != 0)
		give_up("command line");
	split(line.data, words);
	set_input(lab, command->input);
	if (ftruncate(lab->out_fd, 0) != 0 || lseek(lab->out_fd, 0, SEEK_SET) != 0 ||
		ftruncate(lab->err_fd, 0) != 0 || lseek(lab->err_fd, 0, SEEK_SET) != 0)
		give_up("output");
	child = fork();
	if (child == 0)
		become(lab, place, words, command->environment);
	if (child < 0)
		give_up("fork");
	outcome->code = wait_for(child);
	take_output(lab->out_fd, &outcome->out);
	take_output(lab->err_fd, &outcome->err);
	buf_free(&line);
}

void
lab_must_run(struct lab *lab, const char *place, const struct command *command, int code)
{
	struct outcome outcome;

	outcome_init(&outcome);
	lab_run(lab, place, command, &outcome);
	if (outcome.code != code) {
		printf("# %s: ended with %d\n# %s", command->line, outcome.code,
			buf_span(&outcome.err).ptr);
		errno = 0;
		give_up(command->line);
	}
	outcome_free(&outcome);
}

/* ---- the store ------------------------------------------------------------------- */

int
lab_ask(const char *db, const char *sql, struct span parameter, struct buf *answer)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *connection = NULL;
	int code;

	buf_clear(answer);
	code = sqlite3_open_v2(db, &connection, SQLITE_OPEN_READONLY, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(connection, sql, -1, &statement, NULL);
	if (code == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_text(statement, 1, parameter.ptr, (int)parameter.len, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		buf_add_text(answer,
			sqlite3_column_bytes(statement, 0) == 0
				? ""
				: (const char *)sqlite3_column_text(statement, 0));
	else if (code != SQLITE_DONE)
		buf_add_text(answer, sqlite3_errmsg(connection));
	sqlite3_finalize(statement);
	sqlite3_close(connection);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

bool
lab_answers(const char *db, const char *sql, struct span parameter, const char *wanted)
{
	struct buf answer;
	bool same;

	buf_init(&answer, OUTPUT_MAX);
	same = lab_ask(db, sql, parameter, &answer) == 0 &&
		span_is(buf_span(&answer), wanted);
	buf_free(&answer);
	return same;
}

static const char *
health_damage(const struct store_health *health)
{
	if (!health->integrity_ok)
		return health->integrity;
	if (!health->checksums_ok)
		return "the schema is not the one that the migrations make";
	return health->counters_ok ? NULL : "the counters do not agree with the jobs";
}

/* In one place, and only there. */
static const char ASTRAY[] =
	"SELECT k.event_id FROM job_key k LEFT JOIN retry_queue q ON q.id = k.job_id"
	" LEFT JOIN dead_letter_queue d ON d.id = k.job_id"
	" WHERE (q.id IS NULL AND d.id IS NULL) OR (q.id IS NOT NULL AND d.status = 0)"
	" OR NOT EXISTS (SELECT 1 FROM request r WHERE r.job_id = k.job_id)";

const char *
lab_damage(const char *db, struct buf *text)
{
	struct store_options options = {.path = db, .mode = STORE_READ};
	struct store_health health = {0};
	struct store *store;
	const char *found;
	struct err err;

	buf_clear(text);
	if (store_open(&store, &options, &err) != 0) {
		/* A new store that never came about holds nothing that could be lost. */
		if (err.kind != ERR_NO_INPUT)
			buf_add_text(text, err.text);
	} else {
		if (store_health(store, 0, &health, &err) != 0)
			buf_add_text(text, err.text);
		else if ((found = health_damage(&health)) != NULL)
			buf_add_text(text, found);
		store_close(store);
		if (text->len == 0 && lab_ask(db, ASTRAY, (struct span){0}, text) == 0 &&
			text->len > 0)
			buf_add_text(text, " is in no place, or in two");
	}
	return text->len == 0 ? NULL : text->data;
}

/* ---- the laboratory -------------------------------------------------------------- */

long
lab_number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text == NULL || *text == '\0' ? otherwise : strtol(text, NULL, 10);
}

static void
find(char *path, const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);
	char *absolute = realpath(value == NULL ? otherwise : value, NULL);

	if (absolute == NULL)
		give_up(variable);
	snprintf(path, LAB_PATH_MAX, "%s", absolute);
	free(absolute);
}

static void
start_receiver(struct lab *lab)
{
	char program[2 * LAB_PATH_MAX], line[64] = "";
	int fds[2];
	ssize_t got;

	snprintf(program, sizeof(program), "%s/tests/receiver", lab->build);
	if (pipe2(fds, O_CLOEXEC) != 0)
		give_up("pipe");
	lab->receiver = fork();
	if (lab->receiver == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(program, "receiver", "--max-time", "14400", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	got = read(fds[0], line, sizeof(line) - 1);
	close(fds[0]);
	if (got <= 0)
		give_up(program);
	snprintf(lab->receiver_port, sizeof(lab->receiver_port), "%ld",
		strtol(line, NULL, 10));
	snprintf(lab->receiver_url, sizeof(lab->receiver_url), "http://127.0.0.1:%s",
		lab->receiver_port);
}

static void
clean_environment(const struct lab *lab)
{
	static const char *const gone[] = {"WH_DB", "WH_CONFIG", "WH_POLICY",
		"XDG_STATE_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY",
		"NOTIFY_SOCKET", "SSL_CERT_FILE"};
	const char *sandbox = getenv("TEST_SANDBOX");

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		unsetenv(gone[i]);
	setenv("HOME", lab->directory, 1);
	setenv("WH_ALLOW_NET", "127.0.0.0/8,::1/128", 1);
	if (sandbox != NULL)
		setenv("WH_SANDBOX", sandbox, 1);
	/* The preloaded library comes before the sanitizer's, and that is fine. */
	setenv("ASAN_OPTIONS",
		"exitcode=199:verify_asan_link_order=0:allocator_may_return_null=1", 1);
}

void
lab_join(struct lab *lab)
{
	lab->in_fd = memfd_create("in", MFD_CLOEXEC);
	lab->out_fd = memfd_create("out", MFD_CLOEXEC);
	lab->err_fd = memfd_create("err", MFD_CLOEXEC);
	if (lab->in_fd < 0 || lab->out_fd < 0 || lab->err_fd < 0)
		give_up("memfd_create");
}

void
lab_open(struct lab *lab)
{
	bool memory = access("/dev/shm", W_OK) == 0;

	*lab = (struct lab){.sanitized = getenv("TEST_SANITIZED") != NULL};
	setvbuf(stdout, NULL, _IOLBF, 0);
	find(lab->bin, "TEST_BIN", "bin");
	find(lab->build, "TEST_BUILD", ".build");
	snprintf(lab->directory, sizeof(lab->directory), "%s/whtools-torture-XXXXXX",
		memory ? "/dev/shm" : "/tmp");
	if (mkdtemp(lab->directory) == NULL)
		give_up(lab->directory);
	clean_environment(lab);
	lab_join(lab);
	start_receiver(lab);
}

void
lab_close(struct lab *lab)
{
	kill(lab->receiver, SIGTERM);
	waitpid(lab->receiver, NULL, 0);
	nftw(lab->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	close(lab->in_fd);
	close(lab->out_fd);
	close(lab->err_fd);
}
