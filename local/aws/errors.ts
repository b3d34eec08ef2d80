/** A refusal as an AWS service words it: its error code, its sentence and its HTTP status. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  /** Further elements that the service adds to its answer, such as `Expires` of an expired presigned URL. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: string, message: string, status = 400, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  "'": '&apos;',
};

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => ENTITIES[character] ?? character);
}

/** The error document of S3 and CloudFront. */
export function errorXml(error: AwsError, requestId: string): string {
  const elements = { Code: error.code, Message: error.message, ...error.details, RequestId: requestId };
  const body = Object.entries(elements).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${body.join('')}</Error>`;
}
