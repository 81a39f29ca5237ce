import { Member, Organization, Session, User } from '../accounts/entity.ts';
import { App, Release, Variable } from '../apps/entity.ts';
import { Event } from '../audit/entity.ts';
import { Deployment } from '../deployments/entity.ts';
import { Domain } from '../domains/entity.ts';
import { Order } from '../fleet/entity.ts';
import { Request } from '../guard/entity.ts';
import { Environment, Project } from '../projects/entity.ts';
import { Enrollment, Server } from '../servers/entity.ts';
import { Client, Token } from '../tokens/entity.ts';

/** Every table of the domain. Logs and metrics are append-only and have files of their own. */
export const entities = [
  Organization,
  User,
  Member,
  Session,
  Token,
  Client,
  Project,
  Environment,
  Server,
  Enrollment,
  App,
  Release,
  Variable,
  Domain,
  Deployment,
  Order,
  Event,
  Request,
];
