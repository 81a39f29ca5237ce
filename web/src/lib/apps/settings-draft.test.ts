import { create } from '@bufbuild/protobuf';
import { SettingsSchema } from '@serverflow/gen/es/serverflow/app/v1/app_pb';
import { expect, test } from 'vitest';
import { draftedSettings, settingsDraft } from './settings-draft.ts';

test('settings come back unchanged from their draft, with what the page does not show', () => {
  const before = create(SettingsSchema, {
    buildScript: 'build:prod',
    healthPath: '/up',
    bakeMs: 2_500,
    healthPasses: 7,
    keepReleases: 3,
  });
  expect(draftedSettings(settingsDraft(before), before)).toEqual(before);
});

test('empty fields mean the default', () => {
  expect(draftedSettings(settingsDraft())).toEqual(create(SettingsSchema));
});
