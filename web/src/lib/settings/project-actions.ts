import Pencil from '@lucide/svelte/icons/pencil';
import Plus from '@lucide/svelte/icons/plus';
import Trash from '@lucide/svelte/icons/trash-2';
import type { Environment, Project } from '@serverflow/gen/es/serverflow/project/v1/project_pb';
import type { Action } from '#lib/actions/action.ts';
import { acting } from '#lib/actions/acting.svelte.ts';
import { projects } from '#lib/api/clients.ts';
import { m } from '#lib/paraglide/messages.js';

/** Makes a project, which begins with the environment production. */
export function newProject(): Action {
  return {
    id: 'project-new',
    title: m.project_new(),
    icon: Plus,
    ask: {
      title: m.project_new(),
      touches: [],
      input: { label: m.name(), value: '', hint: m.name_hint() },
    },
    run: async () => void (await projects.createProject({ name: acting.input.trim() })),
  };
}

/** What a person can do to a project. */
export function projectActions(project: Project): Action[] {
  return [
    {
      id: `environment-new-${project.id}`,
      title: m.environment_new(),
      icon: Plus,
      ask: {
        title: m.environment_new_title({ project: project.name }),
        touches: [],
        input: { label: m.name(), value: '', hint: m.name_hint() },
      },
      run: async () =>
        void (await projects.createEnvironment({ project: project.id, name: acting.input.trim() })),
    },
    {
      id: `rename-${project.id}`,
      title: m.rename(),
      icon: Pencil,
      ask: {
        title: m.project_rename_title({ project: project.name }),
        touches: [],
        input: { label: m.shown_name(), value: project.displayName },
      },
      run: async () =>
        void (await projects.updateProject({
          project: project.id,
          displayName: acting.input.trim(),
        })),
    },
    {
      id: `delete-${project.id}`,
      title: m.project_delete(),
      icon: Trash,
      destroys: true,
      blocked: holds(project.appCount),
      ask: {
        title: m.project_delete_title({ project: project.name }),
        touches: [m.project_delete_touches()],
      },
      run: async () => void (await projects.deleteProject({ project: project.id })),
    },
  ];
}

/** Deletes an environment that holds no apps. */
export function deleteEnvironment(project: Project, environment: Environment): Action {
  return {
    id: `delete-${environment.id}`,
    title: m.environment_delete(),
    icon: Trash,
    destroys: true,
    blocked: holds(environment.appCount),
    ask: {
      title: m.environment_delete_title({ project: project.name, environment: environment.name }),
      touches: [m.project_delete_touches()],
    },
    run: async () =>
      void (await projects.deleteEnvironment({ project: project.id, environment: environment.id })),
  };
}

function holds(appCount: number): string | undefined {
  return appCount > 0 ? m.project_holds({ count: appCount }) : undefined;
}
