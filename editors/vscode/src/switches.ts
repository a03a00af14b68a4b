import { clock, status, type Status } from './state';

/**
 * What the user has turned off. Times are milliseconds since 1970.
 *
 * The server has commands for this as well, for editors without any. VS Code keeps its own: they hold for all windows, outlast
 * the server, and where suggestions are off it is not even asked.
 */
export interface Switches {
  readonly off: boolean;
  readonly languages: readonly string[];
  readonly snoozedUntil: number;
}

export const ALL_ON: Switches = { off: false, languages: [], snoozedUntil: 0 };

/** Why there are no suggestions in a document of this language at the moment, or undefined if there are. */
export function silence(
  switches: Switches,
  language: string | undefined,
  now: number,
  documentIsOff = false,
): Status | undefined {
  if (switches.off) {
    return status('disabled', 'turned off in VS Code');
  }
  if (switches.snoozedUntil > now) {
    return status('snoozed', `until ${clock(switches.snoozedUntil)}`, switches.snoozedUntil);
  }
  if (language !== undefined && switches.languages.includes(language)) {
    return status('disabled', `turned off in VS Code for ${language}`);
  }
  return documentIsOff ? status('disabled', 'turned off for this file until its window is closed') : undefined;
}

/** On or off everywhere; turning on also ends a snooze. */
export function turned(switches: Switches, on: boolean): Switches {
  return { ...switches, off: !on, snoozedUntil: 0 };
}

/** Toggle everywhere; turning on also ends a snooze. */
export function toggled(switches: Switches, now: number): Switches {
  return turned(switches, switches.off || switches.snoozedUntil > now);
}

/** Toggle for one language. */
export function languageToggled(switches: Switches, language: string): Switches {
  const others = switches.languages.filter((name) => name !== language);
  const languages = others.length < switches.languages.length ? others : [...others, language].sort();
  return { ...switches, languages };
}

/** Snooze for a number of minutes; 0 ends a snooze. */
export function snoozed(switches: Switches, minutes: number, now: number): Switches {
  return { ...switches, snoozedUntil: minutes > 0 ? now + minutes * 60_000 : 0 };
}
