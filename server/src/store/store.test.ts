import { expect, test } from 'vitest';
import { Project } from '../projects/entity.ts';
import { openStore } from './store.ts';

test('the migrations leave no difference to the entities', async () => {
  const store = await openStore(':memory:');
  expect(await store.orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false })).not.toMatch(
    /\b(create|alter|add|drop) (table|index|column|unique)/i,
  );
  await store.close();
});

test('an entity manager without a tenant throws, and one with a tenant sees only that', async () => {
  const store = await openStore(':memory:');
  const row = { name: 'main', displayName: '', createdAt: new Date() };
  const em = store.all();
  em.create(Project, { id: 'prj_a', organization: 'org_a', ...row });
  em.create(Project, { id: 'prj_b', organization: 'org_b', ...row });
  await em.flush();
  await expect(store.orm.em.fork().find(Project, {})).rejects.toThrow();
  expect((await store.tenant('org_a').find(Project, {})).map((found) => found.id)).toEqual([
    'prj_a',
  ]);
  expect(await store.tenant('org_a').findOne(Project, 'prj_b')).toBeNull();
  await store.close();
});

test('two transactions on one connection do not mix: what one rolls back the other keeps', async () => {
  const store = await openStore(':memory:');
  const add = (id: string, fail: boolean) =>
    store.tenant('org_a').transactional(async (tx) => {
      tx.create(Project, {
        id,
        organization: 'org_a',
        name: id,
        displayName: '',
        createdAt: new Date(),
      });
      await tx.flush();
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (fail) throw new Error('called off');
    });
  const ends = await Promise.allSettled([
    add('prj_1', true),
    add('prj_2', false),
    add('prj_3', true),
    add('prj_4', false),
  ]);
  expect(ends.map((end) => end.status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  expect(
    (await store.tenant('org_a').find(Project, {}, { orderBy: { id: 'asc' } })).map(
      (row) => row.id,
    ),
  ).toEqual(['prj_2', 'prj_4']);
  await store.close();
});
