"""descriptor_facts: a FileDescriptorSet as flat facts that can be compared one by one and told in one line.

An element is a file, message, field, extension, oneof, enum, enum value, service or method, known by its full name.
Options, custom ones too, are attributes like any other: they are parsed with the set's own declarations, so that an
option whose declaration differs shows up as well.
"""

from dataclasses import dataclass, field

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

Field = descriptor_pb2.FieldDescriptorProto

# They choose names in code generated for other languages, and no caller sees them on the wire.
FILE_OPTIONS_LEFT_OUT = {
    "cc_enable_arenas", "csharp_namespace", "go_package", "java_multiple_files", "java_outer_classname", "java_package",
    "objc_class_prefix", "php_namespace", "ruby_package",
}


@dataclass
class Element:
    kind: str
    name: str
    parent: str  # Full name of the enclosing element; the file's path at the top.
    facts: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.kind} {self.name}"


def render(descriptor, value):
    """An option's value as text; lists keep their order."""
    if descriptor.is_repeated:
        return "[" + ", ".join(render_one(descriptor, item) for item in value) + "]"
    return render_one(descriptor, value)


def render_one(descriptor, value):
    if descriptor.message_type is not None:
        return "{ " + text_format.MessageToString(value, as_one_line=True) + " }"
    if descriptor.enum_type is not None:
        known = descriptor.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    return repr(value)


class Facts:
    """All elements of the named files of a set; files that are only imported are there for their options."""

    def __init__(self, set_bytes, files):
        self.elements = {}
        self._pool = descriptor_pool.DescriptorPool()
        descriptor_set = descriptor_pb2.FileDescriptorSet.FromString(set_bytes)
        for file in descriptor_set.file:
            self._pool.Add(file)
        for file in descriptor_set.file:
            # Makes the file's extensions known before any options are parsed.
            message_factory.GetMessageClassesForFiles([file.name], self._pool)
        for file in descriptor_set.file:
            if file.name in files:
                self._add_file(file)

    def _options(self, kind, options):
        """Set options by the name they are written with, parsed with the set's own extensions."""
        options_class = message_factory.GetMessageClass(
            self._pool.FindMessageTypeByName(f"google.protobuf.{kind}Options"))
        parsed = options_class.FromString(options.SerializeToString())
        known = options_class.FromString(parsed.SerializeToString())
        known.DiscardUnknownFields()
        if known.ByteSize() != parsed.ByteSize():
            raise ValueError(f"{kind}Options holds options that nothing declares: {options}")
        found = {}
        for descriptor, value in parsed.ListFields():
            name = f"({descriptor.full_name})" if descriptor.is_extension else descriptor.name
            found[f"option {name}"] = render(descriptor, value)
        return found

    def _add(self, kind, name, parent, file, facts):
        element = Element(kind, name, parent, {"file": file.name, **facts})
        self.elements[(kind, name)] = element

    def _add_file(self, file):
        options = self._options("File", file.options)
        for left_out in FILE_OPTIONS_LEFT_OUT:
            options.pop(f"option {left_out}", None)
        self.elements[("file", file.name)] = Element(
            "file", file.name, "", {"package": file.package, "syntax": file.syntax or "proto2", **options})
        prefix = f"{file.package}." if file.package else ""
        for message in file.message_type:
            self._add_message(file, prefix, file.name, message)
        for enum in file.enum_type:
            self._add_enum(file, prefix, file.name, enum)
        for extension in file.extension:
            self._add_field(file, "extension", prefix, file.name, extension, [])
        for service in file.service:
            self._add_service(file, prefix, service)

    def _add_message(self, file, prefix, parent, message):
        name = prefix + message.name
        self._add("message", name, parent, file, {
            "reserved": reserved(message),
            "extension ranges": [(r.start, r.end) for r in message.extension_range],
            **self._options("Message", message.options)})
        for member in message.field:
            self._add_field(file, "field", name + ".", name, member, message.oneof_decl)
        for oneof in message.oneof_decl:
            self._add("oneof", f"{name}.{oneof.name}", name, file, self._options("Oneof", oneof.options))
        for nested in message.nested_type:
            self._add_message(file, name + ".", name, nested)
        for enum in message.enum_type:
            self._add_enum(file, name + ".", name, enum)
        for extension in message.extension:
            self._add_field(file, "extension", name + ".", name, extension, [])

    def _add_field(self, file, kind, prefix, parent, member, oneofs):
        self._add(kind, prefix + member.name, parent, file, {
            "number": member.number,
            "json_name": member.json_name,
            "type": Field.Type.Name(member.type),
            "type_name": member.type_name,
            "label": Field.Label.Name(member.label),
            "oneof": oneofs[member.oneof_index].name if member.HasField("oneof_index") else "",
            "proto3_optional": member.proto3_optional,
            "default": member.default_value,
            "extendee": member.extendee,
            **self._options("Field", member.options)})

    def _add_enum(self, file, prefix, parent, enum):
        name = prefix + enum.name
        self._add("enum", name, parent, file, {
            "reserved": reserved(enum), "first value": enum.value[0].name, **self._options("Enum", enum.options)})
        for value in enum.value:
            self._add("enum value", f"{name}.{value.name}", name, file, {
                "number": value.number, **self._options("EnumValue", value.options)})

    def _add_service(self, file, prefix, service):
        name = prefix + service.name
        self._add("service", name, file.name, file, self._options("Service", service.options))
        for method in service.method:
            self._add("method", f"{name}.{method.name}", name, file, {
                "input": method.input_type,
                "output": method.output_type,
                "client streaming": method.client_streaming,
                "server streaming": method.server_streaming,
                **self._options("Method", method.options)})


def reserved(declaration):
    """Reserved numbers and names of a message or enum."""
    return [(r.start, r.end) for r in declaration.reserved_range] + sorted(declaration.reserved_name)
