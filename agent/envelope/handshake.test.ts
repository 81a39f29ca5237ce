import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checkAgent,
  checkControlPlane,
  makeNonce,
  proveAgent,
  proveControlPlane,
  sessionId,
  transcript,
  type Handshake,
} from './handshake.ts';
import { generateSigningKey } from './keys.ts';
import { openOrder, trust } from './order.ts';

const agent = generateSigningKey();
const control = generateSigningKey();
const handshake: Handshake = {
  host: 'flow.example.com:7300',
  tenant: 'tenant-1',
  slot: 'server-1',
  agentPublicKey: agent.publicKey,
  controlKeyId: control.keyId,
  agentNonce: makeNonce(),
  controlNonce: makeNonce(),
  agentVersion: '0.1.0',
  keySetVersion: 3,
  controlTimeMs: 1_790_000_000_000n,
};
const agreed = transcript(handshake);

describe('the handshake', () => {
  it('lets both sides prove themselves over the same transcript', () => {
    const controlProof = proveControlPlane(agreed, control);
    expect(checkControlPlane(agreed, control.publicKey, controlProof)).toBe(true);
    const agentProof = proveAgent(agreed, agent);
    expect(checkAgent(agreed, agent.publicKey, agentProof)).toBe(true);
  });

  it.each<[keyof Handshake, Partial<Handshake>]>([
    ['host', { host: 'flow.example.com:7301' }],
    ['tenant', { tenant: 'tenant-2' }],
    ['slot', { slot: 'server-2' }],
    ['agentPublicKey', { agentPublicKey: generateSigningKey().publicKey }],
    ['controlKeyId', { controlKeyId: generateSigningKey().keyId }],
    ['agentNonce', { agentNonce: makeNonce() }],
    ['controlNonce', { controlNonce: makeNonce() }],
    ['agentVersion', { agentVersion: '0.1.1' }],
    ['keySetVersion', { keySetVersion: 4 }],
    ['controlTimeMs', { controlTimeMs: 1_790_000_000_001 }],
  ])('fails, and has another session id, when the sides differ in %s', (_, difference) => {
    const other = transcript({ ...handshake, ...difference });
    expect(checkControlPlane(other, control.publicKey, proveControlPlane(agreed, control))).toBe(
      false,
    );
    expect(checkAgent(other, agent.publicKey, proveAgent(agreed, agent))).toBe(false);
    expect(sessionId(other)).not.toEqual(sessionId(agreed));
  });

  it('is of no use to a relay: what the control plane signs for its own name fits no other', () => {
    const dialled = transcript({ ...handshake, host: 'relay.example.net:7300' });
    expect(checkControlPlane(dialled, control.publicKey, proveControlPlane(agreed, control))).toBe(
      false,
    );
  });

  it("does not take one side's proof for the other's", () => {
    expect(checkAgent(agreed, control.publicKey, proveControlPlane(agreed, control))).toBe(false);
    expect(checkControlPlane(agreed, agent.publicKey, proveAgent(agreed, agent))).toBe(false);
  });

  it('cannot be turned into an oracle for signed orders', () => {
    const signature = proveControlPlane(agreed, control);
    const signatures = [{ keyId: control.keyId, signature }];
    const payloadType = 'control-plane';
    expect(() =>
      openOrder({ payload: agreed, payloadType, signatures }, trust(control.publicKey, 'order')),
    ).toThrow('does not fit');
  });

  it('has the SHA-256 digest of the transcript as its session id', () => {
    expect(Buffer.from(sessionId(agreed))).toEqual(createHash('sha256').update(agreed).digest());
  });

  it.each<[string, Partial<Handshake>]>([
    ['a short agent nonce', { agentNonce: new Uint8Array(31) }],
    ['an empty control-plane nonce', { controlNonce: new Uint8Array() }],
    ['a long key', { agentPublicKey: new Uint8Array(33) }],
    ['a short key id', { controlKeyId: new Uint8Array(8) }],
    ['a host with a path', { host: 'example.com/x' }],
    ['a host with white space', { host: 'example.com\n' }],
    ['no host', { host: '' }],
  ])('refuses %s', (_, fault) => {
    expect(() => transcript({ ...handshake, ...fault })).toThrow(
      expect.objectContaining({ reason: 'MALFORMED' }),
    );
  });

  it.each([
    ['Flow.Example.com:80', 'flow.example.com'],
    ['flow.example.com:443', 'flow.example.com'],
    ['[::1]:7300', '[::1]:7300'],
  ])('takes the spelling %s for %s', (given, host) => {
    const other = { ...handshake, host };
    expect(transcript({ ...handshake, host: given })).toEqual(transcript(other));
  });
});
