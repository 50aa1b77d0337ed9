// Preloaded by `node -r` before a program of lwm2m-node-lib: sets what its configuration file fixes.
'use strict';

const config = require('lwm2m-node-lib/config');

config.server.port = Number(process.env.SERVER_PORT || 0);
// The formats by the numbers that OMA registered; the library's own are of a draft.
config.server.writeFormat = 'text/plain';
config.server.logLevel = 'FATAL';
config.client.logLevel = 'FATAL';
config.client.lifetime = process.env.LIFETIME || '60';
// The CoAP library below drops a request whose Accept it has no name for, instead of answering 4.06.
config.client.formats.push(
  { name: 'application/vnd.oma.lwm2m+tlv', value: 11542 },
  { name: 'application/senml+cbor', value: 112 },
);
