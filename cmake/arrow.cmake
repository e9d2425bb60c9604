# Arrow C++ as tailmargin::arrow and tailmargin::parquet: an installed one, else the one inside a pyarrow wheel,
# which holds headers and libraries and is the quickest way to Arrow where there is no package.
set(TAILMARGIN_PYARROW_DIR "" CACHE PATH
  "Folder of a pyarrow wheel to take Arrow from; empty: .venv, if Arrow is not installed")

set(tailmargin_arrow_cure
  "Install Arrow C++ with Parquet, or put a pyarrow wheel where it is looked for:\n"
  "  python3 -m venv ${CMAKE_SOURCE_DIR}/.venv\n"
  "  ${CMAKE_SOURCE_DIR}/.venv/bin/pip install pyarrow\n"
  "or name a wheel's folder with -DTAILMARGIN_PYARROW_DIR=..., or configure with -DTAILMARGIN_CLI=OFF.")
# Pieces of a message, not a list.
string(REPLACE ";" "" tailmargin_arrow_cure "${tailmargin_arrow_cure}")

# The library of a wheel, whose file name ends in the version: libarrow.so.2600.
function(tailmargin_import_wheel_library name wheel)
  file(GLOB candidates ${wheel}/lib${name}.so.* ${wheel}/lib${name}.so)
  if(NOT candidates)
    message(FATAL_ERROR "there is no lib${name}.so.* in ${wheel} (books may be Parquet). ${tailmargin_arrow_cure}")
  endif()
  list(GET candidates 0 library)
  add_library(tailmargin::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(tailmargin::${name} PROPERTIES
    IMPORTED_LOCATION ${library}
    INTERFACE_INCLUDE_DIRECTORIES ${wheel}/include
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${wheel}/include
    INTERFACE_LINK_OPTIONS LINKER:-rpath,${wheel})  # wheels keep their libraries together
endfunction()

if(NOT TAILMARGIN_PYARROW_DIR)
  find_package(Arrow QUIET)
  find_package(Parquet QUIET)
endif()
if(TARGET Arrow::arrow_shared AND TARGET Parquet::parquet_shared)
  add_library(tailmargin::arrow ALIAS Arrow::arrow_shared)
  add_library(tailmargin::parquet ALIAS Parquet::parquet_shared)
  get_target_property(tailmargin_arrow_include Arrow::arrow_shared INTERFACE_INCLUDE_DIRECTORIES)
  message(STATUS "Arrow: installed, ${Arrow_VERSION}")
else()
  set(tailmargin_wheel ${TAILMARGIN_PYARROW_DIR})
  if(NOT tailmargin_wheel)
    file(GLOB tailmargin_wheel ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/pyarrow)
    if(tailmargin_wheel)
      list(GET tailmargin_wheel 0 tailmargin_wheel)  # the first, should there be two Pythons
    endif()
  endif()
  if(NOT tailmargin_wheel OR NOT EXISTS ${tailmargin_wheel}/include/arrow/api.h)
    message(FATAL_ERROR "Arrow C++ was not found (books may be CSV or Parquet). ${tailmargin_arrow_cure}")
  endif()
  tailmargin_import_wheel_library(arrow ${tailmargin_wheel})
  tailmargin_import_wheel_library(parquet ${tailmargin_wheel})
  set_property(TARGET tailmargin::parquet APPEND PROPERTY INTERFACE_LINK_LIBRARIES tailmargin::arrow)
  set(tailmargin_arrow_include ${tailmargin_wheel}/include)
  message(STATUS "Arrow: from the wheel in ${tailmargin_wheel}")
endif()

# Columns are read as bytes, whatever their names; older versions cannot.
find_file(tailmargin_arrow_csv_options arrow/csv/options.h PATHS ${tailmargin_arrow_include} NO_DEFAULT_PATH NO_CACHE)
if(tailmargin_arrow_csv_options)
  file(STRINGS ${tailmargin_arrow_csv_options} tailmargin_arrow_is_new REGEX "default_column_type")
  if(NOT tailmargin_arrow_is_new)
    message(FATAL_ERROR "Arrow is too old (its CSV reader has no default_column_type). ${tailmargin_arrow_cure}")
  endif()
endif()
