// SPDX-License-Identifier: MIT
//
// node peer.mjs bull|bullmq REDIS_SOCKET COUNT CONCURRENCY EVENT
//
// Adds COUNT jobs like the record in the file EVENT with addBulk, a thousand at a time,
// then delivers them with undici over kept-alive connections, as many at once as the worker
// has jobs. Prints one line of JSON: what each half cost this process, and the second half
// with what Redis (process REDIS_PID) spent on it.

import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

const BULK = 1000;
const [kind, socket, countText, concurrencyText, event] = process.argv.slice(2);
const count = Number(countText);
const concurrency = Number(concurrencyText);
const { url, payload } = JSON.parse(readFileSync(event, 'utf8'));
const target = new URL(url);

const pool = new Pool(target.origin, { connections: concurrency });
const headers = { 'content-type': 'application/json' };

async function deliver(job) {
	const answer = await pool.request({
		method: 'POST',
		path: target.pathname,
		headers: { ...headers, 'webhook-id': job.id },
		body: JSON.stringify(job.data),
	});
	await answer.body.dump();
	if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
}

// Each kind: a queue with addBulk(), and start(onCompleted), which returns close().
const kinds = {
	async bull() {
		const { default: Queue } = await import('bull');
		const queue = new Queue('bench', { redis: { path: socket } });
		await queue.isReady();
		return {
			add: (jobs) => queue.addBulk(jobs),
			start(onCompleted) {
				queue.on('completed', onCompleted);
				queue.process('deliver', concurrency, deliver);
			},
			close: () => queue.close(),
		};
	},
	async bullmq() {
		const { Queue, Worker } = await import('bullmq');
		const connection = { path: socket, maxRetriesPerRequest: null };
		const queue = new Queue('bench', { connection });
		let worker;
		await queue.waitUntilReady();
		return {
			add: (jobs) => queue.addBulk(jobs),
			start(onCompleted) {
				worker = new Worker('bench', deliver, { connection, concurrency });
				worker.on('completed', onCompleted);
			},
			async close() {
				await worker.close();
				await queue.close();
			},
		};
	},
};

async function measured(work) {
	const cpu = process.cpuUsage();
	const start = process.hrtime.bigint();
	await work();
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	const { user, system } = process.cpuUsage(cpu);
	return { count, seconds, cpu_seconds: (user + system) / 1e6 };
}

function redisCpuSeconds(pid) {
	const fields = readFileSync(`/proc/${pid}/schedstat`, 'ascii').split(' ');
	return Number(fields[0]) / 1e9;
}

const queue = await kinds[kind]();
const redis = Number(process.env.REDIS_PID);

const added = await measured(async () => {
	for (let done = 0; done < count; done += BULK) {
		const size = Math.min(BULK, count - done);
		const options = { removeOnComplete: true };
		await queue.add(Array.from({ length: size }, () => (
			{ name: 'deliver', data: payload, opts: options })));
	}
});

const redisBefore = redisCpuSeconds(redis);
const delivered = await measured(() => new Promise((resolve) => {
	let completed = 0;
	queue.start(() => {
		completed += 1;
		if (completed === count) resolve();
	});
}));
delivered.cpu_seconds += redisCpuSeconds(redis) - redisBefore;

const peak_kib = process.resourceUsage().maxRSS;
console.log(JSON.stringify({ added, delivered, peak_kib }));
await queue.close();
await pool.close();
process.exit(0);
