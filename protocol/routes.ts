/** Every HTTP route: the folder under `lambdas/` that answers it. The template's routes are tested against this table. */
export const routes = [
  { method: 'GET', path: '/service', function: 'service' },
  { method: 'POST', path: '/devices', function: 'devices' },
  { method: 'GET', path: '/devices', function: 'devices' },
  { method: 'DELETE', path: '/devices/{device_id}', function: 'devices' },
  { method: 'POST', path: '/upload-init', function: 'upload-init' },
  { method: 'POST', path: '/prove', function: 'prove' },
  { method: 'POST', path: '/delta-apply', function: 'delta-apply' },
  { method: 'POST', path: '/finalize', function: 'finalize' },
  { method: 'POST', path: '/download', function: 'download' },
  { method: 'GET', path: '/changes', function: 'changes' },
  { method: 'GET', path: '/tree', function: 'tree' },
  { method: 'GET', path: '/history', function: 'history' },
  { method: 'POST', path: '/restore', function: 'restore' },
  { method: 'POST', path: '/delete', function: 'delete' },
  { method: 'POST', path: '/move', function: 'move' },
  { method: 'POST', path: '/ticket', function: 'ticket' },
] as const;
