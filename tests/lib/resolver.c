/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program (LD_PRELOAD), it answers getaddrinfo() from the file that
 * WH_TEST_HOSTS names, and asks nobody else. A line is a name, what it resolves to the
 * first time, what the second time, and so on; the last answer stays:
 *
 *	rebound.test 93.184.216.34 10.0.0.1,::1
 *
 * "never" is a server that does not answer: the look-up goes on for a minute, with a
 * socket as the real one has.
 * Every look-up of a name adds a line to FILE.log, so that they are counted over all
 * processes. Addresses resolve to themselves.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, ADDRESS_SIZE = 64, NEVER_S = 60 };

typedef int resolve(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **found);

static int
resolve_address(const char *address, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	resolve *real = (resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo numeric = {0};

	if (hints != NULL)
		numeric = *hints;
	numeric.ai_flags |= AI_NUMERICHOST;
	return real(address, service, &numeric, found);
}

/* The word that starts at *at, which moves behind it; NULL if the line has ended. */
static char *
next_word(char **at)
{
	char *word = *at + strspn(*at, " \n");
	size_t len = strcspn(word, " \n");

	if (len == 0)
		return NULL;
	*at = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

/* How often the name was looked up before; this time is noted. -1: there is no log. */
static int
count_lookup(const char *hosts, const char *name)
{
	char path[PATH_SIZE], line[NI_MAXHOST];
	FILE *log;
	int count = 0;

	snprintf(path, sizeof(path), "%s.log", hosts);
	log = fopen(path, "a+");
	if (log == NULL)
		return -1;
	while (fgets(line, sizeof(line), log) != NULL)
		if (strncasecmp(line, name, strlen(name)) == 0 &&
			line[strlen(name)] == '\n')
			count++;
	fprintf(log, "%s\n", name);
	fclose(log);
	return count;
}

/* The answer of the line to look-up number `nth`, from 0, if the line is the name's. */
static bool
read_answer(char *line, const char *name, int nth, char *answer, size_t size)
{
	char *word = next_word(&line);

	if (word == NULL || strcasecmp(word, name) != 0)
		return false;
	answer[0] = '\0';
	for (; nth >= 0 && (word = next_word(&line)) != NULL; nth--)
		snprintf(answer, size, "%s", word);
	return true;
}

static bool
find_answer(const char *hosts, const char *name, char *answer, size_t size)
{
	int nth = count_lookup(hosts, name);
	FILE *file = fopen(hosts, "r");
	char line[PATH_SIZE];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && nth >= 0 && fgets(line, sizeof(line), file) != NULL)
		found = read_answer(line, name, nth, answer, size);
	fclose(file);
	return found;
}

/* Those of the list that fit the hints, in its order. */
static int
resolve_list(const char *list, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	int result = EAI_NONAME;

	*found = NULL;
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		char address[ADDRESS_SIZE];
		int failed;

		snprintf(address, sizeof(address), "%.*s", (int)len, list);
		failed = resolve_address(address, service, hints, found);
		list += len + (list[len] == ',');
		if (failed != 0)
			continue;
		result = 0;
		while (*found != NULL)
			found = &(*found)->ai_next;
	}
	return result;
}

static int
wait_in_vain(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sleep(NEVER_S);
	if (fd >= 0)
		close(fd);
	return EAI_AGAIN;
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	const char *hosts = getenv("WH_TEST_HOSTS");
	char answer[PATH_SIZE];
	int result = resolve_address(name, service, hints, found);

	if (result != EAI_NONAME)
		return result;
	if (hosts == NULL || !find_answer(hosts, name, answer, sizeof(answer)))
		return EAI_NONAME;
	if (strcmp(answer, "never") == 0)
		return wait_in_vain();
	return resolve_list(answer, service, hints, found);
}
