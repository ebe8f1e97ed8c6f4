#include "protocol/pg/login_messages.hpp"

#include "protocol/wire/writer.hpp"

namespace sluice::pg {

namespace {

wire::Writer begin_authentication(std::string& out, AuthenticationCode code) {
    wire::Writer writer(out);
    writer.begin_frame('R').u32(static_cast<std::uint32_t>(code));
    return writer;
}

}  // namespace

void append_authentication_ok(std::string& out) {
    begin_authentication(out, AuthenticationCode::ok).end_frame();
}

void append_authentication_cleartext_password(std::string& out) {
    begin_authentication(out, AuthenticationCode::cleartext_password).end_frame();
}

void append_authentication_md5_password(std::string& out, std::span<const std::byte, 4> salt) {
    begin_authentication(out, AuthenticationCode::md5_password).raw(Bytes(salt)).end_frame();
}

void append_authentication_sasl(std::string& out, std::span<const std::string_view> mechanisms) {
    wire::Writer writer = begin_authentication(out, AuthenticationCode::sasl);
    for (const std::string_view mechanism : mechanisms)
        writer.c_string(mechanism);
    writer.u8(0).end_frame();
}

void append_authentication_sasl_continue(std::string& out, std::string_view message) {
    begin_authentication(out, AuthenticationCode::sasl_continue).raw(message).end_frame();
}

void append_authentication_sasl_final(std::string& out, std::string_view message) {
    begin_authentication(out, AuthenticationCode::sasl_final).raw(message).end_frame();
}

void append_parameter_status(std::string& out, std::string_view name, std::string_view value) {
    wire::Writer(out).begin_frame('S').c_string(name).c_string(value).end_frame();
}

void append_backend_key_data(std::string& out, std::uint32_t process_id, Bytes key) {
    wire::Writer(out).begin_frame('K').u32(process_id).raw(key).end_frame();
}

void append_ready_for_query(std::string& out, char transaction_status) {
    wire::Writer(out)
        .begin_frame('Z')
        .u8(static_cast<std::uint8_t>(transaction_status))
        .end_frame();
}

void append_password(std::string& out, std::string_view password) {
    wire::Writer(out).begin_frame('p').c_string(password).end_frame();
}

void append_sasl_initial_response(std::string& out, std::string_view mechanism,
                                  std::string_view message) {
    wire::Writer(out)
        .begin_frame('p')
        .c_string(mechanism)
        .u32(static_cast<std::uint32_t>(message.size()))
        .raw(message)
        .end_frame();
}

void append_sasl_response(std::string& out, std::string_view message) {
    wire::Writer(out).begin_frame('p').raw(message).end_frame();
}

}  // namespace sluice::pg
