# Interface targets that every target of the project links: language, warnings, sanitizers.
# They are separate so that switching one on can never drop the other.

add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wswitch-enum)
if(SLUICE_WARNINGS_AS_ERRORS)
    target_compile_options(sluice_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND (SLUICE_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug"))
    # GCC 12 finds it inside inlined standard library code when it optimises or instruments.
    target_compile_options(sluice_warnings INTERFACE -Wno-null-dereference)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SLUICE_SANITIZE MATCHES "thread")
    # Likewise, in the initialiser lists of strings that tests are full of, and in what an empty
    # std::optional does not hold.
    target_compile_options(sluice_warnings INTERFACE -Wno-array-bounds -Wno-stringop-overflow
        -Wno-maybe-uninitialized)
endif()

add_library(sluice_sanitizers INTERFACE)
if(SLUICE_SANITIZE)
    target_compile_options(sluice_sanitizers INTERFACE
        -fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(sluice_sanitizers INTERFACE -fsanitize=${SLUICE_SANITIZE})
    if(SLUICE_SANITIZE MATCHES "undefined")
        # Its check opens a pipe for each object, and takes the failure of that for a broken object:
        # useless in a program that must live without free file descriptors.
        target_compile_options(sluice_sanitizers INTERFACE -fno-sanitize=vptr)
    endif()
    if(SLUICE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Boost.Asio uses fences, which GCC's thread sanitizer does not model.
        target_compile_options(sluice_sanitizers INTERFACE -Wno-tsan)
    endif()
endif()
if(SLUICE_FUZZ)
    target_compile_options(sluice_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SLUICE_COVERAGE)
    target_compile_options(sluice_sanitizers INTERFACE --coverage)
    target_link_options(sluice_sanitizers INTERFACE --coverage)
endif()

# GCC lays the program out by what a load has run (scripts/build-tuned): `generate` builds one that
# writes that down, `use` one that goes by it. The folder of the objects is in the names of the
# records, so both are built in the same.
set(SLUICE_PROFILE "" CACHE STRING "Empty, generate or use")
add_library(sluice_profile INTERFACE)
if(SLUICE_PROFILE STREQUAL "generate")
    # Workers and helping threads count at the same time.
    target_compile_options(sluice_profile INTERFACE -fprofile-generate -fprofile-update=atomic)
    target_link_options(sluice_profile INTERFACE -fprofile-generate)
elseif(SLUICE_PROFILE STREQUAL "use")
    # What the load has not run is compiled as ever, not for size.
    target_compile_options(sluice_profile INTERFACE -fprofile-use -fprofile-partial-training
        -Wno-missing-profile)
    target_link_options(sluice_profile INTERFACE -fprofile-use -fprofile-partial-training
        -Wno-missing-profile)
elseif(SLUICE_PROFILE)
    message(FATAL_ERROR "SLUICE_PROFILE is empty, generate or use, not ${SLUICE_PROFILE}")
endif()

add_library(sluice_options INTERFACE)
target_compile_features(sluice_options INTERFACE cxx_std_20)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(sluice_options INTERFACE sluice_warnings sluice_sanitizers sluice_profile)

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SLUICE_CCACHE})
endif()
