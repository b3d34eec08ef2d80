/** AssemblyScript's integer types, so that the kernel's sources are TypeScript as well. Values stay in their range. */
declare type i32 = number;
declare type u32 = number;
