import { afterAll } from 'vitest';
import { closeRtc, loadRtc } from '../../node-peer/src/adapters/rtc.ts';
import { rtcSignalsContract } from './rtc-signals.contract.ts';
import { createRtcTransports } from './rtc-transports.ts';
import { transportContract } from './transport.contract.ts';

afterAll(closeRtc);

transportContract('node-datachannel', async () => createRtcTransports(loadRtc()));
rtcSignalsContract('node-datachannel', loadRtc());
