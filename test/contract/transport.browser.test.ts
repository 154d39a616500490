import { rtcSignalsContract } from './rtc-signals.contract.ts';
import { createRtcTransports } from './rtc-transports.ts';
import { transportContract } from './transport.contract.ts';

const rtc = { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate };

transportContract('Chromium', async () => createRtcTransports(rtc));
rtcSignalsContract('Chromium', rtc);
