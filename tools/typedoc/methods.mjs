/**
 * A typedoc plugin: what is exported needs a doc block, what is inside may be told by the block of its whole.
 *
 * typedoc knows one switch for functions and for methods alike. We want the first only: `u8()` to `u64()` of a reader, or
 * `close()` of a port, say what they do by name, and a sentence each would teach readers to skip sentences.
 */
import { Application, Comment, Converter, OptionDefaults, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  // Generated protobuf code marks itself.
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    app.options.setValue('blockTags', [...OptionDefaults.blockTags, '@generated']);
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const told = (reflection, whole) => {
      if (!reflection.hasComment()) reflection.comment = new Comment([{ kind: 'text', text: `See ${whole.name}.` }]);
    };
    for (const signature of project.getReflectionsByKind(ReflectionKind.CallSignature)) {
      const member = signature.parent;
      if (!member.kindOf(ReflectionKind.Function)) told(signature, member.parent);
    }
    // A property that holds a function counts as one.
    for (const property of project.getReflectionsByKind(ReflectionKind.Property)) told(property, property.parent);
  });
}
