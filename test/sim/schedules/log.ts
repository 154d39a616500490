// With SHOAL_SCHEDULE_LOG set, what processes log is printed, for people who look for a bug.

import { env } from 'node:process';
import type { LogFields, Logger } from '@shoal/shared';
import type { World } from '../world.ts';

export function loggerOf(world: World, process: string): Logger {
  const log = (level: string) => (event: string, fields?: LogFields) => {
    if (env['SHOAL_SCHEDULE_LOG'] !== undefined)
      console.log(world.nowMs().toFixed(1).padStart(9), process, level, event, fields ?? '');
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}
