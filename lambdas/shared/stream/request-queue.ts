import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const { scheduleCheckPendingRequests: schedule } = RequestQueue.prototype;

// kafkajs 2.2.4 looks each millisecond for requests that wait, for as long as it is connected and though none does, which is
// a tenth of a processor (github.com/tulios/kafkajs/issues/1704). A request that has to wait schedules a look itself.
RequestQueue.prototype.scheduleCheckPendingRequests = function () {
  if (this.pending.length > 0) schedule.call(this);
};
