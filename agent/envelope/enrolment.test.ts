import { describe, expect, it } from 'vitest';
import {
  checkEnrolment,
  checkEnrolmentControlPlane,
  checkSealingKey,
  enrolmentTranscript,
  proveEnrolment,
  proveEnrolmentControlPlane,
  type Enrolment,
} from './enrolment.ts';
import { makeNonce, proveControlPlane } from './handshake.ts';
import { generateSealingKey, generateSigningKey } from './keys.ts';
import { makeEnrolmentToken, parseEnrolmentToken } from './token.ts';

const control = generateSigningKey();
const agent = generateSigningKey();
const sealing = generateSealingKey();
const minted = makeEnrolmentToken('server-1', new Uint8Array(32));
const token = parseEnrolmentToken(minted.token);
const enrolment: Enrolment = {
  host: '127.0.0.1:7300',
  tenant: 'tenant-1',
  slot: 'server-1',
  agentNonce: makeNonce(),
  controlNonce: makeNonce(),
  controlKeyId: control.keyId,
  agentVersion: '0.1.0',
  keySetVersion: 1,
  controlTimeMs: 1_790_000_000_000n,
};
const agreed = enrolmentTranscript(enrolment);
const proof = proveEnrolment(agreed, token.key, agent, sealing.publicKey);

describe('enrolment', () => {
  it('binds keys when both sides agree', () => {
    const signature = proveEnrolmentControlPlane(agreed, control);
    expect(checkEnrolmentControlPlane(agreed, control.publicKey, signature)).toBe(true);
    checkEnrolment(agreed, minted.publicKey, proof);
    expect(checkSealingKey(agent.publicKey, sealing.publicKey, proof.sealingKeySignature)).toBe(
      true,
    );
  });

  it.each<[keyof Enrolment, Partial<Enrolment>]>([
    ['host', { host: '127.0.0.1:7301' }],
    ['tenant', { tenant: 'tenant-2' }],
    ['slot', { slot: 'server-2' }],
    ['agentNonce', { agentNonce: makeNonce() }],
    ['controlNonce', { controlNonce: makeNonce() }],
    ['controlKeyId', { controlKeyId: agent.keyId }],
    ['agentVersion', { agentVersion: '0.2.0' }],
    ['keySetVersion', { keySetVersion: 2 }],
    ['controlTimeMs', { controlTimeMs: 1 }],
  ])('fails when the sides differ in %s', (_, difference) => {
    const other = enrolmentTranscript({ ...enrolment, ...difference });
    const signature = proveEnrolmentControlPlane(agreed, control);
    expect(checkEnrolmentControlPlane(other, control.publicKey, signature)).toBe(false);
    expect(() => checkEnrolment(other, minted.publicKey, proof)).toThrow(
      'not made with this token',
    );
  });

  it('refuses a proof that another token made', () => {
    const stolen = proveEnrolment(agreed, generateSigningKey(), agent, sealing.publicKey);
    expect(() => checkEnrolment(agreed, minted.publicKey, stolen)).toThrow(
      'not made with this token',
    );
  });

  it('refuses keys put in the place of those that the token bound', () => {
    const [otherAgent, otherSealing] = [generateSigningKey(), generateSealingKey()];
    for (const swapped of [
      { ...proof, publicKey: otherAgent.publicKey },
      { ...proof, sealingKey: otherSealing.publicKey },
    ]) {
      expect(() => checkEnrolment(agreed, minted.publicKey, swapped)).toThrow('not made with this');
    }
  });

  it("refuses a token holder who names another agent's keys, whose sealing proof is public", () => {
    const impostor = proveEnrolment(agreed, token.key, generateSigningKey(), sealing.publicKey);
    const claimed = { ...proof, keySignature: impostor.keySignature };
    expect(() => checkEnrolment(agreed, minted.publicKey, claimed)).toThrow(
      'does not hold the keys',
    );
  });

  it('refuses a sealing key without the lasting word of the agent', () => {
    const unsigned = { ...proof, sealingKeySignature: proof.keySignature };
    expect(() => checkEnrolment(agreed, minted.publicKey, unsigned)).toThrow('does not hold');
  });

  it.each([
    ['the identity point', { publicKey: point(1) }],
    ['a short key', { publicKey: new Uint8Array(16) }],
    ['a sealing key of small order', { sealingKey: point(0) }],
    ['a sealing key that is not canonical', { sealingKey: new Uint8Array(32).fill(255) }],
  ])('refuses %s', (_, weak) => {
    expect(() => checkEnrolment(agreed, minted.publicKey, { ...proof, ...weak })).toThrow(
      expect.objectContaining({ reason: 'BAD_KEY' }),
    );
  });

  it('does not take a session proof for an enrolment proof', () => {
    const signature = proveControlPlane(agreed, control);
    expect(checkEnrolmentControlPlane(agreed, control.publicKey, signature)).toBe(false);
  });
});

function point(first: number): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? first : 0));
}
