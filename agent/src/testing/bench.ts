import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order } from '@serverflow/gen/grpc/serverflow/agent/v1/order';
import type { Settings } from '../config.ts';
import type { ActionResult, Context } from '../context.ts';
import { enroll } from '../enroll.ts';
import { runAgent } from '../run.ts';
import { Controller, type ControllerSession } from './controller.ts';
import { forget, testSettings } from './enrolled.ts';
import { type Action, orderFor, signOrder } from './orders.ts';
import { Relay } from './relay.ts';

/** An enrolled agent on a wire to a controller; what it is told to do is counted instead of done. */
export class Bench {
  readonly controller: Controller;
  readonly relay: Relay;
  readonly settings: Settings;
  readonly notices: string[] = [];
  /** The orders that came to be carried out. */
  readonly performed: Order[] = [];
  readonly recovered: Order[] = [];
  /** How actions end. */
  result: (order: Order, signal: AbortSignal) => Promise<ActionResult> = async () => ({
    outcome: 'done',
  });
  #context: Context | undefined;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(controller: Controller, relay: Relay, settings: Settings) {
    this.controller = controller;
    this.relay = relay;
    this.settings = settings;
  }

  /** Starts a controller, and enrols an agent with it over the wire. */
  static async open(changes: Partial<Settings> = {}): Promise<Bench> {
    const controller = await new Controller().start();
    const relay = await new Relay(controller.port).start();
    controller.behaviour.host = `127.0.0.1:${relay.port}`;
    const settings = testSettings(new URL(`http://127.0.0.1:${relay.port}`), changes);
    mkdirSync(settings.state, { recursive: true });
    await enroll(settings, controller.token('srv_1'));
    return new Bench(controller, relay, settings);
  }

  /** Writes the server's policy.toml, for the next start. */
  policy(toml: string): void {
    writeFileSync(this.settings.policyFile, toml);
  }

  start(): void {
    this.#stop = new AbortController();
    const work = {
      perform: async (_: Context, order: Order, signal: AbortSignal) => {
        this.performed.push(order);
        return this.result(order, signal);
      },
      recover: async (_: Context, order: Order): Promise<ActionResult> => {
        this.recovered.push(order);
        return { outcome: 'done' };
      },
      startReporters: (context: Context) => void (this.#context = context),
    };
    this.#running = runAgent(
      this.settings,
      work,
      (line) => this.notices.push(line),
      this.#stop.signal,
    );
  }

  context(): Context {
    if (this.#context === undefined) throw new Error('The agent was not started.');
    return this.#context;
  }

  /** Sends a good order, made bad by the changes, and counts its place. */
  async order(action: Action, changes: Partial<Order> = {}): Promise<Order> {
    const session = await this.controller.session();
    const order = orderFor(this.place(session), action, changes);
    session.send(signOrder(order, this.controller.orderKey));
    session.next++;
    return order;
  }

  /** Where the next order of a session belongs. */
  place(session: ControllerSession) {
    const { id, agentId, next } = session;
    return { sessionId: id, agentId, sequence: next, keySetVersion: this.controller.keySetVersion };
  }

  /** How long the journal is: 0 means that nothing was ever begun. */
  journalBytes(): number {
    return statSync(join(this.settings.state, 'journal')).size;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.relay.stop();
    this.controller.stop();
    forget(this.settings);
  }
}
