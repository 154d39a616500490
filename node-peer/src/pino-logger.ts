// The two Node programs' log: JSON lines on stderr, by pino.

import { pino } from 'pino';
import type { Logger, LogFields } from '@shoal/shared';

/** `level`: a level of pino's, or `silent`. */
export function createPinoLogger(level: string, fields: LogFields = {}): Logger {
  const known = level in pino.levels.values ? level : 'silent';
  const log = pino({ level: known, base: { ...fields, pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
  return {
    debug: (event, more) => log.debug(more ?? {}, event),
    info: (event, more) => log.info(more ?? {}, event),
    warn: (event, more) => log.warn(more ?? {}, event),
    error: (event, more) => log.error(more ?? {}, event),
  };
}
