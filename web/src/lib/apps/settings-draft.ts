import { clone, create } from '@bufbuild/protobuf';
import { SettingsSchema, type Settings } from '@serverflow/gen/es/serverflow/app/v1/app_pb';

/** An app's settings as a person fills them in: times in seconds, null or empty for the default. */
export interface SettingsDraft {
  buildScript: string;
  startScript: string;
  outputDirectory: string;
  healthPath: string;
  healthDeadline: number | null;
  bake: number | null;
  drain: number | null;
  keepReleases: number | null;
}

/** The draft of some settings; without any, of the defaults. */
export function settingsDraft(settings?: Settings): SettingsDraft {
  const seconds = (ms = 0) => (ms ? ms / 1000 : null);
  return {
    buildScript: settings?.buildScript ?? '',
    startScript: settings?.startScript ?? '',
    outputDirectory: settings?.outputDirectory ?? '',
    healthPath: settings?.healthPath ?? '',
    healthDeadline: seconds(settings?.healthDeadlineMs),
    bake: seconds(settings?.bakeMs),
    drain: seconds(settings?.drainMs),
    keepReleases: settings?.keepReleases || null,
  };
}

/** The settings of a draft; what the page does not show stays as it was. */
export function draftedSettings(draft: SettingsDraft, before?: Settings): Settings {
  const ms = (seconds: number | null) => Math.round((seconds ?? 0) * 1000);
  const settings = before ? clone(SettingsSchema, before) : create(SettingsSchema);
  return Object.assign(settings, {
    buildScript: draft.buildScript.trim(),
    startScript: draft.startScript.trim(),
    outputDirectory: draft.outputDirectory.trim(),
    healthPath: draft.healthPath.trim(),
    healthDeadlineMs: ms(draft.healthDeadline),
    bakeMs: ms(draft.bake),
    drainMs: ms(draft.drain),
    keepReleases: draft.keepReleases ?? 0,
  });
}
