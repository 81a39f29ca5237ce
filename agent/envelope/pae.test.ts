import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pae, uint64, utf8 } from './pae.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 24 }), { maxLength: 6 });

describe('pae', () => {
  it('gives the published vectors of PASETO', () => {
    expect(hex(pae())).toBe('0000000000000000');
    expect(hex(pae(''))).toBe('01000000000000000000000000000000');
    expect(hex(pae('test'))).toBe('0100000000000000040000000000000074657374');
  });

  it('can be read back, so that no two lists give the same bytes', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        expect(decode(pae(...list))).toEqual(list);
      }),
    );
  });

  it('does not confuse where one piece ends and the next begins', () => {
    expect(pae('ab', 'c')).not.toEqual(pae('a', 'bc'));
    expect(pae('ab')).not.toEqual(pae('ab', ''));
  });

  it('treats text as its UTF-8 bytes', () => {
    expect(pae('é')).toEqual(pae(Uint8Array.of(0xc3, 0xa9)));
  });

  it('refuses text that UTF-8 cannot tell apart', () => {
    expect(() => utf8('\ud800')).toThrow(RangeError);
  });
});

describe('uint64', () => {
  it('is little-endian', () => {
    expect(hex(uint64(0x0102n))).toBe('0201000000000000');
  });

  it.each([-1, 1.5, 2n ** 64n, Number.NaN])('refuses %s', (value) => {
    expect(() => uint64(value)).toThrow(RangeError);
  });
});

function decode(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer);
  const list: Uint8Array[] = [];
  let offset = 8;
  while (offset < bytes.length) {
    const length = Number(view.getBigUint64(offset, true));
    list.push(bytes.slice(offset + 8, offset + 8 + length));
    offset += 8 + length;
  }
  expect(view.getBigUint64(0, true)).toBe(BigInt(list.length));
  return list;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
