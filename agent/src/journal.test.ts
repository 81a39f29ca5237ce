import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { frame } from './frames.ts';
import { Journal } from './journal.ts';

let file: string;
beforeEach(() => (file = join(mkdtempSync(join(tmpdir(), 'journal-')), 'journal')));
afterEach(() => rmSync(join(file, '..'), { recursive: true, force: true }));

/** Opens, works and closes. */
function withJournal<T>(work: (journal: Journal) => T): T {
  const journal = new Journal(file);
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}

test('what began and what ended is known after a restart', () => {
  withJournal((journal) => {
    journal.started('a', Buffer.from('order a'));
    journal.started('b', Buffer.from('order b'));
    journal.done('a', Buffer.from('receipt a'));
  });
  withJournal((journal) => {
    expect(journal.find('a')).toEqual({ state: 'done', receipt: Buffer.from('receipt a') });
    expect(journal.unfinished()).toEqual([{ orderId: 'b', order: Buffer.from('order b') }]);
    expect(journal.find('c')).toBeUndefined();
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('at every length to which a crash may have cut it, the complete records are read and it goes on', () => {
  withJournal((journal) => {
    journal.started('a', Buffer.from('order a'));
    journal.done('a', Buffer.from('receipt a'));
  });
  const whole = readFileSync(file);
  const first = frame(
    Buffer.from(JSON.stringify({ id: 'a', order: Buffer.from('order a').toString('base64') })),
  ).length;
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file, whole.subarray(0, length));
    withJournal((journal) => {
      expect(journal.find('a')?.state).toBe(length < first ? undefined : 'started');
      journal.started('b', Buffer.from('order b'));
    });
    withJournal((journal) => expect(journal.find('b')?.state).toBe('started'));
  }
});

test('a file that grew with zeros before the bytes came is read', () => {
  withJournal((journal) => journal.started('a', Buffer.from('order a')));
  truncateSync(file, statSync(file).size + 100);
  withJournal((journal) => expect(journal.find('a')?.state).toBe('started'));
});

test('a changed bit anywhere before the last record fails closed', () => {
  withJournal((journal) => {
    journal.started('a', Buffer.from('order a'));
    journal.done('a', Buffer.from('receipt a'));
  });
  const whole = readFileSync(file);
  const first = frame(
    Buffer.from(JSON.stringify({ id: 'a', order: Buffer.from('order a').toString('base64') })),
  ).length;
  for (let at = 0; at < first; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(file, damaged);
    expect(() => new Journal(file)).toThrow(/cannot be trusted/);
  }
});

test('a sound record of another kind fails closed', () => {
  appendFileSync(file, frame(Buffer.from('{"id":"a"}')));
  expect(() => new Journal(file)).toThrow(/another kind/);
});

test('it stays bounded, and forgets neither what runs nor what ended lately', () => {
  withJournal((journal) => {
    journal.started('running', Buffer.from('order'));
    for (let i = 0; i < 6000; i++) {
      const order = Buffer.alloc(i % 6 === 0 ? 3000 : 10);
      if (i % 300 === 0) journal.started(`o${i}`, order);
      appendFileSync(
        file,
        frame(
          Buffer.from(
            JSON.stringify({ id: `o${i}`, receipt: 'cmVjZWlwdA==', x: 'y'.repeat(2000) }),
          ),
        ),
      );
    }
  });
  const before = statSync(file).size;
  withJournal((journal) => {
    expect(statSync(file).size).toBeLessThan(before / 10);
    expect(journal.find('running')?.state).toBe('started');
    expect(journal.find('o5999')?.state).toBe('done');
    expect(journal.find('o0')).toBeUndefined();
  });
});
