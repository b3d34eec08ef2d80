/** The request cannot be served; the message tells the operator why and what to do. */
export class OperatorRefusal extends Error {
  override readonly name = 'OperatorRefusal';
}
