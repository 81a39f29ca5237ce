import { crc32 } from 'node:zlib';

/** Bytes before each record: its length, the checksum of that length, the checksum of the record. */
const HEADER = 12;
/** No record of ours is longer; a length beyond it is damage. */
const LONGEST = 8 * 1024 * 1024;

/** Records read back: how far they are good, and whether what follows is a write that a crash cut off or damage. */
export type Scan = {
  readonly records: Buffer[];
  /** Where the bytes end that are good. */
  readonly goodBytes: number;
  readonly end: 'whole' | 'torn' | 'damaged';
};

/** Puts a record between checksums, as it is appended to a file. */
export function frame(record: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER + record.length);
  framed.writeUInt32LE(record.length, 0);
  framed.writeUInt32LE(crc32(framed.subarray(0, 4)), 4);
  framed.writeUInt32LE(crc32(record), 8);
  framed.set(record, HEADER);
  return framed;
}

/**
 * Reads the records of an append-only file. Each append is on disk before the next one begins, so a crash can leave only the last
 * record incomplete: everything else that does not check out is damage.
 */
export function scanFrames(bytes: Buffer): Scan {
  const records: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const rest = bytes.subarray(at);
    if (rest.length < HEADER) return { records, goodBytes: at, end: 'torn' };
    const length = rest.readUInt32LE(0);
    if (crc32(rest.subarray(0, 4)) !== rest.readUInt32LE(4) || length > LONGEST) {
      // A file system may have grown the file before it wrote the bytes.
      return { records, goodBytes: at, end: isZero(rest) ? 'torn' : 'damaged' };
    }
    if (rest.length < HEADER + length) return { records, goodBytes: at, end: 'torn' };
    const record = rest.subarray(HEADER, HEADER + length);
    if (crc32(record) !== rest.readUInt32LE(8)) {
      return { records, goodBytes: at, end: rest.length === HEADER + length ? 'torn' : 'damaged' };
    }
    records.push(record);
    at += HEADER + length;
  }
  return { records, goodBytes: at, end: 'whole' };
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);
