import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { tenantFilter } from '../store/tenant.ts';

/** A project: apps that belong together. */
export const Project = defineEntity({
  name: 'Project',
  tableName: 'projects',
  uniques: [{ properties: ['organization', 'name'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    name: p.string(),
    displayName: p.string(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type ProjectRow = InferEntity<typeof Project>;

/** An environment of a project. */
export const Environment = defineEntity({
  name: 'Environment',
  tableName: 'environments',
  uniques: [{ properties: ['project', 'name'] }],
  properties: {
    id: p.string().primary(),
    organization: p.string().index(),
    project: p.string().index(),
    name: p.string(),
    createdAt: p.datetime(3),
  },
  filters: tenantFilter,
});
export type EnvironmentRow = InferEntity<typeof Environment>;
