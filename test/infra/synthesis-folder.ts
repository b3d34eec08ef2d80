/** The environment variable that names the folder with an assembly per profile. */
export const ASSEMBLIES = 'TIDEMARK_ASSEMBLIES';
