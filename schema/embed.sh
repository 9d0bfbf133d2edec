#!/bin/sh
# SPDX-License-Identifier: MIT
#
# embed.sh DIRECTORY: prints the numbered migrations of a directory as C source, with the
# checksum that each is remembered by once it has been applied.

set -eu

directory=$1

# The file as C string literals, one a line.
as_literals() {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
}

# 0012_some_name.sql -> 12
version_of() {
	number=$(basename "$1")
	number=${number%%_*}
	printf '%s\n' "$number" | sed 's/^0*//'
}

printf '/* Made by schema/embed.sh. */\n#include "store/migrate.h"\n\n'
printf 'const struct migration store_migrations[] = {\n'
for file in "$directory"/[0-9]*_*.sql; do
	checksum=$(sha256sum <"$file")
	printf '\t{%s, "%s", "%s",\n' "$(version_of "$file")" "$(basename "$file" .sql)" \
		"${checksum%% *}"
	as_literals "$file"
	printf '\t},\n'
done
printf '\t{0},\n};\n'
