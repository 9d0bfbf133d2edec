/* SPDX-License-Identifier: MIT */
/*
 * Codes of databases: SQLSTATE, and each product's own. Whatever a product does not list
 * as passing is taken as lasting, since statements fail again as they failed before.
 */
#include "model/classify_internal.h"

#include <stdio.h>
#include <string.h>

static const struct known DATABASE_CODES[] = {
	{"CIRCUIT_BREAKING_EXCEPTION", SAYS_DATABASE, "search memory exhausted"},
	{"CLUSTER_BLOCK_EXCEPTION", SAYS_DATABASE, "index is blocked"},
	{"ClusterDown", SAYS_DATABASE, "cluster is down"},
	{"CR_CONN_HOST_ERROR", SAYS_DATABASE, "database unreachable"},
	{"CR_CONNECTION_ERROR", SAYS_DATABASE, "database unreachable"},
	{"CR_SERVER_GONE_ERROR", SAYS_DATABASE, "database connection lost"},
	{"CR_SERVER_LOST", SAYS_DATABASE, "database connection lost"},
	{"CR_SERVER_LOST_EXTENDED", SAYS_DATABASE, "database connection lost"},
	{"CR_UNKNOWN_HOST", SAYS_DATABASE, "database host not found"},
	{"DATABASE_CONNECTION_ERROR", SAYS_DATABASE, "database connection failed"},
	{"DatabaseDoesNotExist", SAYS_DATABASE_FINAL, "database does not exist"},
	{"DatabaseNotReachable", SAYS_DATABASE, "database unreachable"},
	{"DOCUMENT_PARSING_EXCEPTION", SAYS_DATABASE_FINAL,
		"document does not fit the mapping"},
	{"DocumentValidationFailure", SAYS_DATABASE_FINAL, "document failed validation"},
	{"DPI-1010", SAYS_DATABASE, "database connection lost"},
	{"DPI-1067", SAYS_DATABASE, "database call timed out"},
	{"DPI-1080", SAYS_DATABASE, "database connection lost"},
	{"DuplicateKey", SAYS_DATABASE_FINAL, "duplicate key"},
	{"EARGS", SAYS_DATABASE_FINAL, "database called wrongly"},
	{"ECONNCLOSED", SAYS_DATABASE, "database connection closed"},
	{"EINSTLOOKUP", SAYS_DATABASE_FINAL, "database instance not found"},
	{"ELOGIN", SAYS_DATABASE_FINAL, "database login failed"},
	{"ENOTOPEN", SAYS_DATABASE, "database connection not open"},
	{"ER_ABORTING_CONNECTION", SAYS_DATABASE, "database aborted the connection"},
	{"ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", SAYS_DATABASE,
		"database is read-only"},
	{"ER_CANT_LOCK", SAYS_DATABASE, "lock refused"},
	{"ER_CHECKREAD", SAYS_DATABASE, "record changed meanwhile"},
	{"ER_CLIENT_INTERACTION_TIMEOUT", SAYS_DATABASE,
		"database closed an idle connection"},
	{"ER_CMD_CONNECTION_CLOSED", SAYS_DATABASE, "database connection closed"},
	{"ER_CON_COUNT_ERROR", SAYS_DATABASE, "too many connections"},
	{"ER_CONNECTION_ALREADY_CLOSED", SAYS_DATABASE, "database connection closed"},
	{"ER_CONNECTION_KILLED", SAYS_DATABASE, "database killed the connection"},
	{"ER_CONNECTION_TIMEOUT", SAYS_DATABASE, "database connection timed out"},
	{"ER_DISK_FULL", SAYS_DATABASE, "database disk full"},
	{"ER_DUP_ENTRY", SAYS_DATABASE_FINAL, "duplicate entry"},
	{"ER_ERROR_ON_READ", SAYS_DATABASE, "database disk failure"},
	{"ER_ERROR_ON_WRITE", SAYS_DATABASE, "database disk failure"},
	{"ER_FORCING_CLOSE", SAYS_DATABASE, "database closed the connection"},
	{"ER_GET_CONNECTION_TIMEOUT", SAYS_DATABASE,
		"no connection from the pool in time"},
	{"ER_GET_ERRNO", SAYS_DATABASE, "storage engine failure"},
	{"ER_HOST_IS_BLOCKED", SAYS_DATABASE, "database blocks this host for now"},
	{"ER_LOCK_ABORTED", SAYS_DATABASE, "lock aborted"},
	{"ER_LOCK_DEADLOCK", SAYS_DATABASE, "deadlock"},
	{"ER_LOCK_NOWAIT", SAYS_DATABASE, "row is locked"},
	{"ER_LOCK_TABLE_FULL", SAYS_DATABASE, "lock table full"},
	{"ER_LOCK_WAIT_TIMEOUT", SAYS_DATABASE, "lock wait timed out"},
	{"ER_NET_ERROR_ON_WRITE", SAYS_DATABASE, "database connection failed"},
	{"ER_NET_READ_ERROR", SAYS_DATABASE, "database connection failed"},
	{"ER_NET_READ_INTERRUPTED", SAYS_DATABASE, "database connection timed out"},
	{"ER_NET_WRITE_INTERRUPTED", SAYS_DATABASE, "database connection timed out"},
	{"ER_NEW_ABORTING_CONNECTION", SAYS_DATABASE, "database aborted the connection"},
	{"ER_NORMAL_SHUTDOWN", SAYS_DATABASE, "database is shutting down"},
	{"ER_OPTION_PREVENTS_STATEMENT", SAYS_DATABASE, "database is read-only"},
	{"ER_OUT_OF_RESOURCES", SAYS_DATABASE, "database out of resources"},
	{"ER_OUT_OF_SORTMEMORY", SAYS_DATABASE, "database out of memory"},
	{"ER_OUTOFMEMORY", SAYS_DATABASE, "database out of memory"},
	{"ER_QUERY_INTERRUPTED", SAYS_DATABASE, "query interrupted"},
	{"ER_QUERY_TIMEOUT", SAYS_DATABASE, "query timed out"},
	{"ER_READ_ONLY_MODE", SAYS_DATABASE, "database is read-only"},
	{"ER_RECORD_FILE_FULL", SAYS_DATABASE, "table is full"},
	{"ER_SERVER_OFFLINE_MODE", SAYS_DATABASE, "database is offline"},
	{"ER_SERVER_SHUTDOWN", SAYS_DATABASE, "database is shutting down"},
	{"ER_SHUTDOWN_COMPLETE", SAYS_DATABASE, "database is shutting down"},
	{"ER_SOCKET_TIMEOUT", SAYS_DATABASE, "database timed out"},
	{"ER_SOCKET_UNEXPECTED_CLOSE", SAYS_DATABASE, "database closed the connection"},
	{"ER_STATEMENT_TIMEOUT", SAYS_DATABASE, "query timed out"},
	{"ER_TABLE_DEF_CHANGED", SAYS_DATABASE, "table changed meanwhile"},
	{"ER_TOO_MANY_CONCURRENT_TRXS", SAYS_DATABASE, "too many transactions"},
	{"ER_TOO_MANY_USER_CONNECTIONS", SAYS_DATABASE, "too many connections"},
	{"ER_TRANSACTION_ROLLBACK_DURING_COMMIT", SAYS_DATABASE,
		"transaction rolled back"},
	{"ER_UNKNOWN_COM_ERROR", SAYS_DATABASE, "cluster node not ready"},
	{"ER_UNKNOWN_ERROR", SAYS_VAGUE | SAYS_DATABASE, "unknown database error"},
	{"ER_USER_LIMIT_REACHED", SAYS_DATABASE, "too many connections"},
	{"ER_XA_RBDEADLOCK", SAYS_DATABASE, "deadlock"},
	{"ER_XA_RBTIMEOUT", SAYS_DATABASE, "transaction timed out"},
	{"EREQUEST", SAYS_VAGUE | SAYS_DATABASE, "database request failed"},
	{"ES_REJECTED_EXECUTION_EXCEPTION", SAYS_DATABASE, "search queue is full"},
	{"ExceededTimeLimit", SAYS_DATABASE, "database operation timed out"},
	{"FailedToSatisfyReadPreference", SAYS_DATABASE, "no suitable server"},
	{"ForeignKeyConstraintViolation", SAYS_DATABASE_FINAL, "foreign key violated"},
	{"HostNotFound", SAYS_DATABASE, "database host not found"},
	{"HostUnreachable", SAYS_DATABASE, "database unreachable"},
	{"ILLEGAL_ARGUMENT_EXCEPTION", SAYS_DATABASE_FINAL, "illegal argument"},
	{"INDEX_NOT_FOUND_EXCEPTION", SAYS_DATABASE_FINAL, "index not found"},
	{"InterruptedAtShutdown", SAYS_DATABASE, "database is shutting down"},
	{"InterruptedDueToReplStateChange", SAYS_DATABASE, "the primary changed"},
	{"LockBusy", SAYS_DATABASE, "lock busy"},
	{"LockFailed", SAYS_DATABASE, "lock failed"},
	{"LockTimeout", SAYS_DATABASE, "lock wait timed out"},
	{"MAPPER_PARSING_EXCEPTION", SAYS_DATABASE_FINAL,
		"document does not fit the mapping"},
	{"MASTER_NOT_DISCOVERED_EXCEPTION", SAYS_DATABASE, "no master"},
	{"MaxTimeMsExpired", SAYS_DATABASE, "database operation timed out"},
	{"NetworkTimeout", SAYS_DATABASE, "database timed out"},
	{"NJS-003", SAYS_DATABASE, "database connection lost"},
	{"NJS-040", SAYS_DATABASE, "no connection from the pool in time"},
	{"NJS-076", SAYS_DATABASE, "too many waiting for a connection"},
	{"NJS-500", SAYS_DATABASE, "database connection lost"},
	{"NJS-501", SAYS_DATABASE, "database unreachable"},
	{"NJS-503", SAYS_DATABASE, "database unreachable"},
	{"NJS-510", SAYS_DATABASE, "database connection timed out"},
	{"NO_SHARD_AVAILABLE_ACTION_EXCEPTION", SAYS_DATABASE, "no shard available"},
	{"NOCONN", SAYS_DATABASE, "no database connection"},
	{"NoSuchTransaction", SAYS_DATABASE, "transaction is gone"},
	{"NotMaster", SAYS_DATABASE, "not the primary"},
	{"NotMasterNoSlaveOk", SAYS_DATABASE, "not the primary"},
	{"NotMasterOrSecondary", SAYS_DATABASE, "not the primary"},
	{"NotPrimaryNoSecondaryOk", SAYS_DATABASE, "not the primary"},
	{"NotPrimaryOrSecondary", SAYS_DATABASE, "not the primary"},
	{"NotWritablePrimary", SAYS_DATABASE, "not the primary"},
	{"NR_CLOSED", SAYS_DATABASE, "redis connection closed"},
	{"NR_FATAL", SAYS_DATABASE, "redis connection failed"},
	{"NullConstraintViolation", SAYS_DATABASE_FINAL, "null not allowed"},
	{"OutOfDiskSpace", SAYS_DATABASE, "database disk full"},
	{"P1001", SAYS_DATABASE, "database unreachable"},
	{"P1002", SAYS_DATABASE, "database timed out"},
	{"P1008", SAYS_DATABASE, "database operation timed out"},
	{"P1011", SAYS_DATABASE, "database TLS connection failed"},
	{"P1017", SAYS_DATABASE, "database closed the connection"},
	{"P2010", SAYS_VAGUE | SAYS_DATABASE, "raw query failed"},
	{"P2024", SAYS_DATABASE, "no connection from the pool in time"},
	{"P2028", SAYS_DATABASE, "transaction failed or timed out"},
	{"P2034", SAYS_DATABASE, "write conflict or deadlock"},
	{"P2037", SAYS_DATABASE, "too many connections"},
	{"P5011", SAYS_DATABASE, "too many requests to the database"},
	{"P6004", SAYS_DATABASE, "query timed out"},
	{"P6005", SAYS_DATABASE, "transaction timed out"},
	{"P6008", SAYS_DATABASE, "database unreachable"},
	{"PARSING_EXCEPTION", SAYS_DATABASE_FINAL, "query does not parse"},
	{"POOL_CLOSED", SAYS_DATABASE_FINAL, "connection pool is closed"},
	{"PrimarySteppedDown", SAYS_DATABASE, "the primary stepped down"},
	{"PROCESS_CLUSTER_EVENT_TIMEOUT_EXCEPTION", SAYS_DATABASE, "cluster timed out"},
	{"PROTOCOL_CONNECTION_LOST", SAYS_DATABASE, "database connection lost"},
	{"PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR", SAYS_DATABASE, "database connection lost"},
	{"PROTOCOL_ENQUEUE_AFTER_QUIT", SAYS_DATABASE, "database connection closed"},
	{"PROTOCOL_PACKETS_OUT_OF_ORDER", SAYS_DATABASE,
		"database connection out of step"},
	{"PROTOCOL_SEQUENCE_TIMEOUT", SAYS_DATABASE, "database timed out"},
	{"ReadConcernMajorityNotAvailableYet", SAYS_DATABASE,
		"majority not available yet"},
	{"RESOURCE_ALREADY_EXISTS_EXCEPTION", SAYS_DATABASE_FINAL,
		"index exists already"},
	{"RetryableWriteError", SAYS_DATABASE, "database says the write may be retried"},
	{"RetryChangeStream", SAYS_DATABASE, "change stream has to be resumed"},
	{"SASL_SIGNATURE_MISMATCH", SAYS_DATABASE_FINAL, "database login failed"},
	{"ShutdownInProgress", SAYS_DATABASE, "database is shutting down"},
	{"SocketException", SAYS_DATABASE, "database connection failed"},
	{"SQLITE_ABORT", SAYS_DATABASE, "transaction aborted"},
	{"SQLITE_ABORT_ROLLBACK", SAYS_DATABASE, "transaction rolled back"},
	{"SQLITE_AUTH", SAYS_DATABASE_FINAL, "not authorised"},
	{"SQLITE_BUSY", SAYS_DATABASE, "database is locked"},
	{"SQLITE_BUSY_RECOVERY", SAYS_DATABASE, "database is locked"},
	{"SQLITE_BUSY_SNAPSHOT", SAYS_DATABASE, "database is locked"},
	{"SQLITE_BUSY_TIMEOUT", SAYS_DATABASE, "database is locked"},
	{"SQLITE_CANTOPEN", SAYS_DATABASE, "database cannot be opened"},
	{"SQLITE_CONSTRAINT", SAYS_DATABASE_FINAL, "constraint violated"},
	{"SQLITE_CORRUPT", SAYS_DATABASE_FINAL, "database is corrupt"},
	{"SQLITE_ERROR", SAYS_VAGUE | SAYS_DATABASE_FINAL, "statement failed"},
	{"SQLITE_FULL", SAYS_DATABASE, "database disk full"},
	{"SQLITE_INTERRUPT", SAYS_DATABASE, "query interrupted"},
	{"SQLITE_IOERR", SAYS_DATABASE, "database disk failure"},
	{"SQLITE_LOCKED", SAYS_DATABASE, "table is locked"},
	{"SQLITE_LOCKED_SHAREDCACHE", SAYS_DATABASE, "table is locked"},
	{"SQLITE_MISMATCH", SAYS_DATABASE_FINAL, "type mismatch"},
	{"SQLITE_MISUSE", SAYS_DATABASE_FINAL, "database used wrongly"},
	{"SQLITE_NOLFS", SAYS_DATABASE_FINAL, "file too large"},
	{"SQLITE_NOMEM", SAYS_DATABASE, "database out of memory"},
	{"SQLITE_NOTADB", SAYS_DATABASE_FINAL, "not a database"},
	{"SQLITE_PERM", SAYS_DATABASE_FINAL, "permission denied"},
	{"SQLITE_PROTOCOL", SAYS_DATABASE, "database locking failed"},
	{"SQLITE_RANGE", SAYS_DATABASE_FINAL, "parameter out of range"},
	{"SQLITE_READONLY", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_CANTINIT", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_CANTLOCK", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_DBMOVED", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_DIRECTORY", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_RECOVERY", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_READONLY_ROLLBACK", SAYS_DATABASE, "database is read-only"},
	{"SQLITE_SCHEMA", SAYS_DATABASE, "database schema changed meanwhile"},
	{"SQLITE_TOOBIG", SAYS_DATABASE_FINAL, "value is too big"},
	{"StaleConfig", SAYS_DATABASE, "stale routing information"},
	{"StaleDbVersion", SAYS_DATABASE, "stale routing information"},
	{"StaleEpoch", SAYS_DATABASE, "stale routing information"},
	{"StaleShardVersion", SAYS_DATABASE, "stale routing information"},
	{"STRICT_DYNAMIC_MAPPING_EXCEPTION", SAYS_DATABASE_FINAL,
		"document does not fit the mapping"},
	{"TemporarilyUnavailable", SAYS_DATABASE, "temporarily unavailable"},
	{"TransientTransactionError", SAYS_DATABASE,
		"database says the transaction may be retried"},
	{"UniqueConstraintViolation", SAYS_DATABASE_FINAL, "unique constraint violated"},
	{"UnknownTransactionCommitResult", SAYS_DATABASE,
		"outcome of the commit is unknown"},
	{"VERSION_CONFLICT_ENGINE_EXCEPTION", SAYS_DATABASE_FINAL, "version conflict"},
	{"WriteConcernFailed", SAYS_DATABASE, "write concern not reached"},
	{"WriteConflict", SAYS_DATABASE, "write conflict"},
};

bool
database_tables_are_sorted(void)
{
	return known_table_is_sorted(KNOWN_TABLE(DATABASE_CODES));
}

static struct finding
database_finding(bool passing, const char *family, struct span key, const char *words)
{
	return finding_make(WEIGHT_CODE, passing ? SAYS_DATABASE : SAYS_DATABASE_FINAL,
		family, key, words);
}

/* Classes are two characters, single states five; the first that fits decides. */
static const struct {
	const char *prefix;
	int says;
	const char *words;
} SQLSTATES[] = {
	{"08P01", SAYS_DATABASE_FINAL, "protocol violation"},
	{"08", SAYS_DATABASE, "database connection failed"},
	{"25006", SAYS_DATABASE, "database is read-only"},
	{"25P03", SAYS_DATABASE, "transaction idle for too long"},
	{"25", SAYS_DATABASE_FINAL, "invalid transaction state"},
	{"40P01", SAYS_DATABASE, "deadlock"},
	{"40", SAYS_DATABASE, "transaction rolled back"},
	{"53100", SAYS_DATABASE, "database disk full"},
	{"53300", SAYS_DATABASE, "too many connections"},
	{"53", SAYS_DATABASE, "database short of resources"},
	{"55P03", SAYS_DATABASE, "lock not available"},
	{"55006", SAYS_DATABASE, "object in use"},
	{"57014", SAYS_DATABASE, "query cancelled or timed out"},
	{"57P04", SAYS_DATABASE_FINAL, "database was dropped"},
	{"57", SAYS_DATABASE, "operator intervention in the database"},
	{"58", SAYS_DATABASE, "system error of the database"},
	{"72", SAYS_DATABASE, "snapshot too old"},
	{"XX001", SAYS_DATABASE_FINAL, "database is corrupt"},
	{"XX002", SAYS_DATABASE_FINAL, "index is corrupt"},
	{"XX", SAYS_DATABASE, "internal error of the database"},
	{"70100", SAYS_DATABASE, "query interrupted"},
	{"HYT", SAYS_DATABASE, "database timed out"},
	{"HY001", SAYS_DATABASE, "database out of memory"},
	{"HY", SAYS_VAGUE | SAYS_DATABASE, "general database error"},
	{"23505", SAYS_DATABASE_FINAL, "unique constraint violated"},
	{"23503", SAYS_DATABASE_FINAL, "foreign key violated"},
	{"23502", SAYS_DATABASE_FINAL, "null not allowed"},
	{"23", SAYS_DATABASE_FINAL, "constraint violated"},
	{"22", SAYS_DATABASE_FINAL, "data does not fit"},
	{"28", SAYS_DATABASE_FINAL, "database login failed"},
	{"3D", SAYS_DATABASE_FINAL, "database does not exist"},
	{"3F", SAYS_DATABASE_FINAL, "schema does not exist"},
	{"42501", SAYS_DATABASE_FINAL, "permission denied"},
	{"42P01", SAYS_DATABASE_FINAL, "no such table"},
	{"42S02", SAYS_DATABASE_FINAL, "no such table"},
	{"42703", SAYS_DATABASE_FINAL, "no such column"},
	{"42", SAYS_DATABASE_FINAL, "statement is wrong"},
};

static bool
is_sqlstate(struct span code)
{
	bool letters_first;

	if (code.len != 5)
		return false;
	for (size_t i = 0; i < 5; i++)
		if (strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", code.ptr[i]) == NULL ||
			code.ptr[i] == '\0')
			return false;
	letters_first = span_starts(code, "HY") || span_starts(code, "XX") ||
		span_starts(code, "P0") || span_starts(code, "HV") ||
		span_starts(code, "F0") || span_starts(code, "IM");
	return letters_first || (code.ptr[0] >= '0' && code.ptr[0] <= '9');
}

struct finding
sqlstate_judge(struct span code)
{
	if (!is_sqlstate(code) || span_starts(code, "00"))
		return (struct finding){0};
	for (size_t i = 0; i < sizeof(SQLSTATES) / sizeof(SQLSTATES[0]); i++) {
		struct known known = {
			SQLSTATES[i].prefix, SQLSTATES[i].says, SQLSTATES[i].words};
		bool vague = (known.says & SAYS_VAGUE) != 0;

		if (span_starts(code, known.key))
			return finding_make(vague ? WEIGHT_VAGUE_CODE : WEIGHT_CODE,
				(enum says)(known.says & ~SAYS_VAGUE), "sqlstate", code,
				known.words);
	}
	return database_finding(
		false, "sqlstate", code, "database refused the statement");
}

static bool
is_listed(int64_t number, const int *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (list[i] == number)
			return true;
	return false;
}

static struct finding
number_finding(bool passing, const char *family, int64_t number)
{
	char key[24];
	int len = snprintf(key, sizeof(key), "%lld", (long long)number);

	return database_finding(passing, family, (struct span){key, (size_t)len},
		passing ? "database trouble that passes"
			: "database refused the operation");
}

struct finding
mysql_judge(int64_t number)
{
	static const int passing[] = {1020, 1021, 1026, 1030, 1037, 1038, 1040, 1041,
		1047, 1053, 1077, 1079, 1080, 1114, 1129, 1152, 1158, 1159, 1160, 1161,
		1180, 1181, 1184, 1188, 1189, 1190, 1203, 1205, 1206, 1213, 1220, 1226,
		1290, 1317, 1412, 1613, 1614, 1637, 1642, 1729, 1792, 1836, 1927, 1969,
		2001, 2002, 2003, 2004, 2005, 2006, 2008, 2011, 2012, 2013, 2014, 2018,
		2024, 2026, 2027, 2048, 2055, 3024, 3032, 3058, 3100, 3101, 3168, 3169,
		3572, 4031, 4151, 45009, 45012, 45028, 45029, 45031, 45033, 45034, 45035,
		45039};

	if (number < 1000 || (number > 5000 && number < 45000) || number > 45100)
		return (struct finding){0};
	return number_finding(is_listed(number, passing, sizeof(passing) / sizeof(int)),
		"mysql", number);
}

struct finding
mongo_judge(int64_t number)
{
	static const int passing[] = {6, 7, 24, 46, 50, 63, 64, 89, 91, 112, 133, 134,
		150, 189, 202, 225, 234, 244, 246, 251, 262, 358, 365, 384, 391, 402,
		9001, 10107, 11600, 11602, 13388, 13435, 13436, 14031, 17280, 10058,
		12586, 12587};

	if (number < 1 || number > 100000)
		return (struct finding){0};
	return number_finding(is_listed(number, passing, sizeof(passing) / sizeof(int)),
		"mongo", number);
}

struct finding
sqlserver_judge(int64_t number)
{
	static const int passing[] = {-2, -1, 2, 20, 53, 64, 121, 233, 258, 596, 601, 615,
		617, 669, 671, 701, 802, 845, 847, 921, 926, 983, 988, 1203, 1204, 1205,
		1221, 1222, 1404, 1421, 1437, 1533, 1807, 2020, 2801, 3041, 3635, 3906,
		3908, 3960, 3966, 4060, 4221, 5030, 6005, 8628, 8645, 8651, 9002, 9515,
		10053, 10054, 10060, 10061, 10922, 10928, 10929, 10930, 10936, 14355,
		14868, 17197, 17830, 17889, 18401, 20041, 35201, 40143, 40197, 40501,
		40540, 40544, 40549, 40550, 40551, 40552, 40553, 40613, 40615, 40642,
		40648, 40671, 40675, 41301, 41302, 41305, 41325, 41839, 42108, 42109,
		49510, 49918, 49919, 49920};

	return number_finding(is_listed(number, passing, sizeof(passing) / sizeof(int)),
		"sqlserver", number);
}

struct finding
oracle_judge(int64_t number)
{
	static const int passing[] = {18, 19, 20, 28, 30, 31, 51, 54, 57, 60, 61, 104,
		257, 604, 1012, 1013, 1033, 1034, 1089, 1090, 1092, 1109, 1113, 1154,
		1155, 1455, 1555, 1562, 1578, 1628, 1632, 1650, 1652, 1653, 1654, 1658,
		1688, 1691, 2049, 2391, 2396, 2399, 3113, 3114, 3117, 3135, 3136, 4021,
		4025, 4030, 4031, 4061, 4068, 8103, 8176, 8177, 12150, 12152, 12153,
		12157, 12161, 12170, 12203, 12222, 12224, 12225, 12226, 12230, 12231,
		12233, 12234, 12500, 12502, 12505, 12511, 12514, 12516, 12518, 12519,
		12520, 12521, 12522, 12523, 12525, 12526, 12527, 12528, 12531, 12532,
		12533, 12535, 12537, 12541, 12542, 12543, 12545, 12547, 12549, 12560,
		12564, 12571, 12606, 12608, 12609, 12636, 14403, 15064, 16000, 16456,
		17002, 17008, 17410, 17447, 18730, 20999, 24756, 25402, 25403, 25404,
		25405, 25407, 25408, 25409, 25425, 30006, 40365, 44203, 48123};

	return number_finding(is_listed(number, passing, sizeof(passing) / sizeof(int)),
		"oracle", number);
}

struct finding
db2_judge(int64_t number)
{
	static const int passing[] = {30081, 900, 904, 906, 911, 913, 918, 924, 952, 964,
		968, 1015, 1023, 1032, 1034, 1040, 1218, 1224, 1229, 1339, 1476, 4499};

	return number_finding(
		is_listed(number, passing, sizeof(passing) / sizeof(int)), "db2", number);
}

/* A reply of redis begins with its code in capitals. */
struct finding
redis_judge(struct span message)
{
	static const struct known words[] = {
		{"BUSY", SAYS_DATABASE, "redis is busy running a script"},
		{"LOADING", SAYS_DATABASE, "redis is loading its data"},
		{"READONLY", SAYS_DATABASE, "redis replica is read-only"},
		{"OOM", SAYS_DATABASE, "redis is out of memory"},
		{"MISCONF", SAYS_DATABASE, "redis cannot save its data"},
		{"MASTERDOWN", SAYS_DATABASE, "redis master is down"},
		{"CLUSTERDOWN", SAYS_DATABASE, "redis cluster is down"},
		{"TRYAGAIN", SAYS_DATABASE, "redis asks to try again"},
		{"MOVED", SAYS_DATABASE, "redis slot has moved"},
		{"ASK", SAYS_DATABASE, "redis slot is moving"},
		{"NOREPLICAS", SAYS_DATABASE, "redis has too few replicas"},
		{"NOMASTERLINK", SAYS_DATABASE, "redis replica has no master"},
		{"NOGOODSLAVE", SAYS_DATABASE, "redis has no replica to promote"},
		{"INPROG", SAYS_DATABASE, "redis failover is under way"},
		{"IOERR", SAYS_DATABASE, "redis input or output failed"},
		{"UNBLOCKED", SAYS_DATABASE, "redis gave up a blocked client"},
		{"NOAUTH", SAYS_DATABASE_FINAL, "redis wants a login"},
		{"WRONGPASS", SAYS_DATABASE_FINAL, "redis login failed"},
		{"NOPERM", SAYS_DATABASE_FINAL, "redis permission denied"},
		{"WRONGTYPE", SAYS_DATABASE_FINAL, "redis key holds another type"},
		{"NOSCRIPT", SAYS_DATABASE_FINAL, "redis script unknown"},
		{"EXECABORT", SAYS_DATABASE_FINAL, "redis discarded the transaction"},
		{"CROSSSLOT", SAYS_DATABASE_FINAL, "redis keys lie in different slots"},
		{"BUSYGROUP", SAYS_DATABASE_FINAL, "redis group exists already"},
		{"BUSYKEY", SAYS_DATABASE_FINAL, "redis key exists already"},
		{"NOGROUP", SAYS_DATABASE_FINAL, "redis group unknown"},
		{"NOPROTO", SAYS_DATABASE_FINAL, "redis protocol version unknown"},
		{"DENIED", SAYS_DATABASE_FINAL, "redis denied access"},
		{"UNKILLABLE", SAYS_DATABASE_FINAL, "redis script cannot be stopped"},
		{"NOTBUSY", SAYS_DATABASE_FINAL, "redis runs no script"},
	};
	const char *space = message.len == 0 ? NULL
					     : memchr(message.ptr, ' ', message.len);
	struct span first = {
		message.ptr, space == NULL ? 0 : (size_t)(space - message.ptr)};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_is(first, words[i].key))
			return finding_of_known(
				&words[i], "redis", WEIGHT_CODE, WEIGHT_VAGUE_CODE);
	return (struct finding){0};
}

static bool
has_prefix_and_digits(struct span code, const char *prefix)
{
	size_t at = span_of(prefix).len;

	if (!span_starts(code, prefix) || code.len == at)
		return false;
	for (; at < code.len; at++)
		if (code.ptr[at] < '0' || code.ptr[at] > '9')
			return false;
	return true;
}

static bool
is_prisma(struct span code)
{
	return code.len == 5 && code.ptr[0] == 'P' && code.ptr[1] >= '1' &&
		code.ptr[1] <= '6' && has_prefix_and_digits(code, "P");
}

static struct finding
oracle_code_judge(struct span code)
{
	int64_t number;

	if (!has_prefix_and_digits(code, "ORA-") && !has_prefix_and_digits(code, "TNS-"))
		return (struct finding){0};
	if (!span_to_int64((struct span){code.ptr + 4, code.len - 4}, &number))
		return (struct finding){0};
	return oracle_judge(number);
}

/* Codes of a family that is known by how they begin, though not this one. */
static struct finding
database_family_judge(struct span code)
{
	if (is_prisma(code))
		return database_finding(
			false, "prisma", code, "database refused the request");
	if (has_prefix_and_digits(code, "E11000") || span_is(code, "E11000"))
		return database_finding(false, "mongo", code, "duplicate key");
	if (span_starts(code, "SQLITE_BUSY") || span_starts(code, "SQLITE_IOERR") ||
		span_starts(code, "SQLITE_LOCKED") ||
		span_starts(code, "SQLITE_CANTOPEN"))
		return database_finding(
			true, "code", code, "database trouble that passes");
	if (span_starts(code, "SQLITE_CONSTRAINT"))
		return database_finding(false, "code", code, "constraint violated");
	if (span_starts(code, "ER_") || span_starts(code, "SQLITE_") ||
		span_starts(code, "PROTOCOL_"))
		return database_finding(
			false, "code", code, "database refused the operation");
	return oracle_code_judge(code);
}

struct finding
database_code_judge(struct span code)
{
	struct finding finding = sqlstate_judge(code);

	if (finding.weight == WEIGHT_NONE)
		finding = finding_of_known(known_find(KNOWN_TABLE(DATABASE_CODES), code),
			"code", WEIGHT_CODE, WEIGHT_VAGUE_CODE);
	return finding.weight != WEIGHT_NONE ? finding : database_family_judge(code);
}
