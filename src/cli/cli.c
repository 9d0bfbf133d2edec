/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "cli/help.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#ifndef WHTOOLS_VERSION
#define WHTOOLS_VERSION "unknown"
#endif

enum { HELP_WIDTH_MIN = 40, HELP_WIDTH_MAX = 80, HELP_BYTES_MAX = 1 << 20 };

/*
 * A closed standard descriptor would be given to the next file that is opened: the
 * store as stdout, say. It becomes one whose use fails, for output must not be lost in
 * silence.
 */
static void
guard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_OS);
	}
}

/* Records hold secrets: no core file, and no other process of ours that reads our memory
 * (ptrace, /proc/PID/mem). A debugger that has started us still can. */
static void
guard_memory(void)
{
	static const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void
start(struct cli *cli, const struct cli_program *program)
{
	guard_descriptors();
	guard_memory();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOFBF, 64 * 1024);
	*cli = (struct cli){
		.program = program,
		.stdin_terminal = isatty(STDIN_FILENO),
		.stdout_terminal = isatty(STDOUT_FILENO),
		.stderr_terminal = isatty(STDERR_FILENO),
	};
}

/* stdio has dropped what it could not write: nothing may be written behind such a
 * hole. */
static void
flush(struct cli *cli)
{
	if (fflush(stdout) != 0 && cli->output_errno == 0)
		cli->output_errno = errno;
}

static const char nobody_reads[] = "stdout: nobody reads it";

static int
output_failed(struct cli *cli, struct err *err)
{
	cli->output_failed = true;
	cli->output_closed = errno == EPIPE;
	if (cli->output_closed)
		return err_set(err, ERR_IO, "%s", nobody_reads);
	return err_set(err, ERR_IO, "stdout: %s", strerror(errno));
}

int
cli_write(struct cli *cli, struct span bytes, struct err *err)
{
	if (cli->output_errno != 0) {
		errno = cli->output_errno;
		return output_failed(cli, err);
	}
	if (bytes.len > 0 && fwrite(bytes.ptr, bytes.len, 1, stdout) != 1)
		return output_failed(cli, err);
	return 0;
}

int
cli_write_buf(struct cli *cli, const struct buf *buf, struct err *err)
{
	if (buf_check(buf, err) != 0)
		return -1;
	return cli_write(cli, buf_span(buf), err);
}

int
cli_flush(struct cli *cli, struct err *err)
{
	flush(cli);
	if (cli->output_errno == 0)
		return 0;
	errno = cli->output_errno;
	return output_failed(cli, err);
}

/* What takes no memory to say. */
static void
say_no_memory(const struct cli *cli)
{
	fputs(cli->program->name, stderr);
	fputs(": out of memory\n", stderr);
}

static void
say(struct cli *cli, const char *text)
{
	struct buf line;

	flush(cli);
	buf_init(&line, 8 * ERR_TEXT_MAX);
	buf_printf(&line, "%s: ", cli->program->name);
	safe_text(&line, span_of(text), 0);
	buf_add_char(&line, '\n');
	if (buf_check(&line, NULL) == 0)
		fwrite(buf_span(&line).ptr, 1, line.len, stderr);
	else
		say_no_memory(cli);
	buf_free(&line);
}

enum exit_code
cli_complain(struct cli *cli, const struct err *err)
{
	enum exit_code code = exit_code_of(err->kind);

	if (strstr(err->text, nobody_reads) != NULL)
		return EXIT_DONE;
	say(cli, err->text);
	cli->worst = exit_worse(cli->worst, code);
	return code;
}

enum exit_code
cli_complain_at_line(struct cli *cli, size_t line, const struct err *err)
{
	struct err placed = *err;

	err_context(&placed, "line %zu", line);
	return cli_complain(cli, &placed);
}

void
cli_warn(struct cli *cli, const char *format, ...)
{
	struct err text;
	va_list args;

	va_start(args, format);
	vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	say(cli, text.text);
}

int
cli_store_path(const struct cli_common *common, struct buf *path, struct err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (common->db != NULL && common->db[0] == '\0')
		return err_set(err, ERR_USAGE, "--db: an empty path");
	if (common->queue != NULL && common->queue[0] == '\0')
		return err_set(err, ERR_USAGE, "--queue: an empty name");
	if (common->db != NULL)
		buf_add_text(path, common->db);
	else if (state != NULL && state[0] == '/')
		buf_printf(path, "%s/whtools/wh.db", state);
	else if (home != NULL && home[0] == '/')
		buf_printf(path, "%s/.local/state/whtools/wh.db", home);
	else
		return err_set(err, ERR_USAGE,
			"no store: neither --db, $WH_DB nor $HOME says where it is");
	return buf_check(path, err);
}

bool
cli_confirm(struct cli *cli, bool yes, const char *format, ...)
{
	char question[ERR_TEXT_MAX], answer[8] = "";
	struct buf safe;
	va_list args;

	if (yes || !cli->stdin_terminal)
		return true;
	va_start(args, format);
	vsnprintf(question, sizeof(question), format, args);
	va_end(args);
	buf_init(&safe, 8 * ERR_TEXT_MAX);
	safe_text(&safe, span_of(question), 0);
	fflush(stdout);
	tcflush(STDIN_FILENO, TCIFLUSH); /* it was not typed to answer this */
	fprintf(stderr, "%s: %s [y/N] ", cli->program->name, buf_span(&safe).ptr);
	buf_free(&safe);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fputc('\n', stderr);
	return answer[0] == 'y' || answer[0] == 'Y';
}

static enum exit_code
print(struct cli *cli, struct buf *text, enum exit_code code)
{
	struct err err;

	if (code == EXIT_USAGE && buf_check(text, NULL) == 0)
		fputs(buf_span(text).ptr, stderr);
	else if (cli_write_buf(cli, text, &err) != 0)
		code = cli_complain(cli, &err);
	buf_free(text);
	return code;
}

static enum exit_code
print_help(struct cli *cli, const struct cli_verb *verb)
{
	size_t width = output_width(cli->stdout_terminal);
	struct buf text;

	if (width < HELP_WIDTH_MIN || width > HELP_WIDTH_MAX)
		width = width == 0 || width > HELP_WIDTH_MAX ? HELP_WIDTH_MAX
							     : HELP_WIDTH_MIN;
	buf_init(&text, HELP_BYTES_MAX);
	help_text(&text, cli->program, verb, width);
	return print(cli, &text, EXIT_DONE);
}

static enum exit_code
print_tables(struct cli *cli)
{
	struct buf text;

	buf_init(&text, HELP_BYTES_MAX);
	help_json(&text, cli->program);
	return print(cli, &text, EXIT_DONE);
}

static enum exit_code
print_version(struct cli *cli)
{
	struct buf text;

	buf_init(&text, HELP_BYTES_MAX);
	buf_printf(&text, "%s (whtools) %s\n", cli->program->name, WHTOOLS_VERSION);
	return print(cli, &text, EXIT_DONE);
}

static enum exit_code
print_usage(struct cli *cli)
{
	struct buf text;

	buf_init(&text, HELP_BYTES_MAX);
	help_text(&text, cli->program, NULL, HELP_WIDTH_MAX);
	return print(cli, &text, EXIT_USAGE);
}

/* "prog help" and "prog help VERB". */
static enum exit_code
help_verb(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *verb = NULL;
	struct err err;

	if (argc > 3) {
		err_set(&err, ERR_USAGE, "'%.64s': help takes one verb only", argv[3]);
		return cli_complain(cli, &err);
	}
	if (argc > 2) {
		verb = cli_verb_named(cli->program, argv[2], &err);
		if (verb == NULL)
			return cli_complain(cli, &err);
	}
	return print_help(cli, verb);
}

static enum exit_code
run_parsed(struct cli *cli, int argc, char **argv)
{
	struct cli_parsed parsed;
	struct err err;
	enum exit_code code;

	if (cli_parse(&parsed, cli->program, argc, argv, clock_now(&cli->clock), &err) !=
		0) {
		code = cli_complain(cli, &err);
	} else if (parsed.asked.help) {
		code = print_help(cli, parsed.verb);
	} else if (parsed.asked.version) {
		code = print_version(cli);
	} else {
		cli->verb = parsed.verb;
		cli->operands = parsed.operands;
		cli->operand_count = parsed.operand_count;
		code = parsed.verb->run(cli, parsed.args);
	}
	cli_parsed_free(&parsed);
	return code;
}

static enum exit_code
run(struct cli *cli, int argc, char **argv)
{
	bool has_verbs = cli->program->verbs->name != NULL;
	struct err err;

	if (clock_from_environment(&cli->clock, &err) != 0)
		return cli_complain(cli, &err);
	if (argc == 2 && strcmp(argv[1], "--help=json") == 0)
		return print_tables(cli);
	if (has_verbs && argc < 2)
		return print_usage(cli);
	if (has_verbs && strcmp(argv[1], "help") == 0)
		return help_verb(cli, argc, argv);
	return run_parsed(cli, argc, argv);
}

int
cli_main(const struct cli_program *program, int argc, char **argv)
{
	struct cli cli;
	struct err err;
	enum exit_code code;

	start(&cli, program);
	code = run(&cli, argc, argv);
	code = exit_worse(cli.worst, code);
	if (!cli.output_failed && cli_flush(&cli, &err) != 0)
		code = exit_worse(code, cli_complain(&cli, &err));
	return (int)code;
}
