import { clock, ICONS, type Status } from './state';
import type { Switches } from './switches';

/** What the status menu shows. `own` is why suggestions are off in VS Code, `now` is in milliseconds since 1970. */
export interface View {
  readonly status: Status;
  readonly own: Status | undefined;
  readonly switches: Switches;
  readonly language: string | undefined;
  readonly isOffHere: boolean;
  readonly isManual: boolean;
  readonly hasServer: boolean;
  readonly now: number;
}

/** A row that runs a command. A row that `stays` is a switch: the menu is shown again. */
export interface Row {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly command: string;
  readonly stays?: boolean;
}

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

const SET_KEY: Row = { label: '$(key) Set API key…', command: 'setKey' };

/** The state, and all that can be done about it. */
export function menuOf(view: View): Group[] {
  return [
    { title: '', rows: [stateRow(view), ...remedies(view)] },
    { title: 'Suggestions', rows: switchRows(view) },
    { title: 'Where they come from', rows: sourceRows(view.status) },
    {
      title: 'Explain',
      rows: [
        { label: '$(question) Why was there (no) suggestion?', command: 'showWhy' },
        { label: '$(checklist) Doctor', description: 'checks settings, key and host', command: 'doctor' },
        { label: '$(graph) Statistics', command: 'stats' },
        { label: '$(output) Log', command: 'showLog' },
      ],
    },
    {
      title: 'More',
      rows: [
        { label: '$(debug-restart) Restart server', command: 'restart' },
        { label: '$(clear-all) Clear cache', description: 'suggestions and kept indexes', command: 'clearCache' },
        { label: '$(gear) Settings', command: 'settings' },
        { label: '$(book) Getting started', command: 'getStarted' },
      ],
    },
  ];
}

function stateRow({ status, own }: View): Row {
  const { state, reason } = own && status.state !== 'failing' ? own : status;
  const source = [status.backend, status.model, status.host].filter(Boolean).join(' · ');
  const label = `${ICONS[state]} ${state[0]?.toUpperCase()}${state.slice(1)}`;
  return { label, command: 'showWhy', ...(source && { description: source }), ...(reason && { detail: reason }) };
}

/** What mends the state, first of all. */
function remedies({ hasServer, status }: View): Row[] {
  if (!hasServer) {
    return [{ label: '$(cloud-download) Install server', command: 'install' }];
  }
  return status.needsKey ? [SET_KEY] : [];
}

function switchRows({ switches, language, isOffHere, isManual, now }: View): Row[] {
  const tick = (on: boolean, text: string, command: string): Row => ({
    label: `${on ? '$(check)' : '$(blank)'} ${text}`,
    command,
    stays: true,
    description: on ? 'on' : 'off',
  });
  const isSnoozed = switches.snoozedUntil > now;
  return [
    tick(!switches.off, 'Everywhere', 'toggle'),
    ...(language === undefined
      ? []
      : [
          tick(!switches.languages.includes(language), `In ${language} files`, 'toggleLanguage'),
          tick(!isOffHere, 'In this file', 'toggleFile'),
        ]),
    tick(isManual, 'Only when asked', 'trigger'),
    isSnoozed
      ? { label: '$(bell) End snooze', description: `until ${clock(switches.snoozedUntil)}`, command: 'wake', stays: true }
      : { label: '$(bell-slash) Snooze…', command: 'snooze' },
    { label: '$(sparkle) Suggest now', description: 'Alt+\\', command: 'suggest' },
  ];
}

function sourceRows({ backend, model, needsKey }: Status): Row[] {
  return [
    { label: '$(server) Back end…', ...(backend && { description: backend }), command: 'backend' },
    { label: '$(circuit-board) Model…', ...(model && { description: model }), command: 'model' },
    ...(needsKey ? [] : [SET_KEY]),
    { label: '$(trash) Remove API key…', command: 'removeKey' },
  ];
}
