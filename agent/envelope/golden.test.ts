import { describe, expect, it } from 'vitest';
import { sha256 } from './digest.ts';
import { enrolmentTranscript, proveEnrolment, proveEnrolmentControlPlane } from './enrolment.ts';
import { proveAgent, proveControlPlane, sessionId, transcript } from './handshake.ts';
import { openWith } from './hpke.ts';
import { rootPin, sealKeySet } from './key-set.ts';
import { sealingKeyFromSeed, signingKeyFromSeed } from './keys.ts';
import { sealOrder, sealReceipt } from './order.ts';
import { parseEnrolmentToken } from './token.ts';
import { variableAad, variableInfo } from './variable.ts';
import { fourWords } from './words.ts';

// Agents and control planes of different ages must agree on every byte. If one of these changes, the
// format changed: give it a new version instead. Ed25519 signatures are deterministic (RFC 8032), and
// all values come from a second implementation, in Python with its cryptography package.
const control = signingKeyFromSeed(filled(1));
const agent = signingKeyFromSeed(filled(2));
const sealing = sealingKeyFromSeed(filled(3));
const payload = Buffer.from('golden');
const common = {
  host: 'flow.example.com:7300',
  tenant: 'tenant-1',
  slot: 'server-1',
  controlKeyId: control.keyId,
  agentNonce: filled(4),
  controlNonce: filled(5),
  agentVersion: '0.1.0',
  keySetVersion: 7,
  controlTimeMs: 1_790_000_000_123n,
};

describe('the format of version 1', () => {
  it('names keys the same way', () => {
    expect(hex(control.keyId)).toBe('dd6e891a9eb6ee5d399305c2b0717d17');
    expect(hex(rootPin([control.publicKey]))).toBe(
      'f32d3794a7fa73c364b3bb537381c014d6c89ecac496f945ef38db69ab8d10f3',
    );
    expect(fourWords(agent.publicKey)).toBe('ankle rocket umbrella artist');
  });

  it('signs orders, receipts and key sets the same way', () => {
    expect(hex(sealOrder(payload, control).signatures[0]!.signature)).toBe(
      'e3dc2ba9e27e2b40c8725dea817c847e8dae97f4eb9dddf8cbc45dd6ed7510266d0f6742935f6668ec10a1e080b450d57ee1f720579403a9150bc2cd6adace0b',
    );
    expect(hex(sealReceipt(payload, agent).signatures[0]!.signature)).toBe(
      '9a54b76cff490d5ee58473d2838f48db3935f2c15acdbc028ed290e5fd6f9928f560c740dc1da03782ccc53d6aa8b7eaaf48a7c20165dc0a8a4a5394019f2c09',
    );
    expect(hex(sealKeySet(payload, [control]).keySet!.signatures[0]!.signature)).toBe(
      'b32697936cab388d16e27854af8bf9ffcad18f22c40ba118077dd3a0b08c02b7adcb6737848b2013375e993ec4d8f1f2ce04a8d6465f4e77439154b288bf030b',
    );
  });

  it('shakes hands the same way', () => {
    const bytes = transcript({ ...common, agentPublicKey: agent.publicKey });
    expect(hex(sessionId(bytes))).toBe(
      'e09876f32a609808aeb64f20f12364d379ab73927945ab5a678d8b10ed2fca7b',
    );
    expect(hex(proveControlPlane(bytes, control))).toBe(
      '60e96e7e61de4efdf763bd4d6549f1b8a197b9fa3f3886fb6237870e33ae6853943ff7c3cdaf1fc0faefb8eb56d2171e91caa6d46956aaef9841e5808a6c340b',
    );
    expect(hex(proveAgent(bytes, agent))).toBe(
      'fa23bbb09c5f6cdb59d75e26f4aaba465b4e34716712e63c4784f17106bdbbbfc00c36c71c8b4a5f871c2ba3b93a9c809bad4e1db7797a2f3c14bd12c937980a',
    );
  });

  it('enrols the same way', () => {
    const bytes = enrolmentTranscript(common);
    const token = parseEnrolmentToken(`sf1.server-1.${'A'.repeat(43)}.${base64url(filled(6))}`);
    const proof = proveEnrolment(bytes, token.key, agent, sealing.publicKey);
    expect(hex(sha256(bytes))).toBe(
      '1eed4d15568925bdfd52dc7a46c6f035bf68b76c9bc37cbd63ba7b4e980c6ad3',
    );
    expect(hex(proveEnrolmentControlPlane(bytes, control))).toBe(
      'de878647250e6f3742520a2484e5ecd09ac1d4236195f1f31a1b0038e378cb0c682c25f7ad41e8c6c663ca51e9356ba45a4a63581f5e37398dee120bca400c00',
    );
    expect(hex(proof.tokenSignature)).toBe(
      'e85ed6f581ca55375e4f02c1d78bfef70d33981bc8f73c2b54c44b8b2faff4b2e21a9704ef640ead37acb9270c8a2cf3696fac2b2ae0f8075937651d1d347f0a',
    );
    expect(hex(proof.keySignature)).toBe(
      '597b473fc98ce0797b1af423b5c7d0125c8f4fe819593c39fe59f7101b42a946a5751270627543c80b8ca73950a372dff5b827b7670c3648a550d77abb9f8d03',
    );
    expect(hex(proof.sealingKeySignature)).toBe(
      '953341ab2357ce00c7e84a052033ae2840a26f2833ff95a1112de88f739bf7006ffe13ec7cb6600e7b6831aabfe47d4fc33d933357ea70998105bde9d34ba308',
    );
  });

  it('opens a value that was sealed when the format was made', () => {
    const sealed = Buffer.from(
      '31d4ab6aceec961137917037936e60716fac573afe94d9da84a8020448dfc112c1fcbbe2b6dfce8858af84ef4e96bd15dc668dd6059e1b82aa',
      'hex',
    );
    const info = variableInfo('tenant-1', 'server-1', 'app-1');
    expect(Buffer.from(openWith(sealing, info, variableAad('KEY', 1), sealed)).toString()).toBe(
      'swordfish',
    );
  });
});

function filled(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
